/** What else must fit in a neutral record of one's own, beside its form. */
import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import { bfclProblem, type CallProblem } from '../bfcl-match';
import { optionsOf } from '../match-calls';
import type { NeutralRecord } from '../neutral-record';
import { isObject } from '../record-reader';
import { FieldProblem } from './reading';
import { schemaOfArgument } from './schema-types';

/** Accepted values that cannot be met would count every answer as wrong: those of another function, of unknown arguments, or without the gold. */
export function checkAlternatives(record: NeutralRecord): void {
  const { gold, gold_alternatives: alternatives = [], tools } = record;
  const { language } = optionsOf(record);
  alternatives.forEach((accepted, index) => {
    const call = gold[index]!;
    const { name } = call;
    const field = `gold_alternatives[${index}]`;
    const [[named, values]] = Object.entries(accepted) as [[string, Record<string, JsonValue[]>]];
    if (named !== name.trim())
      throw new FieldProblem(field, `is of '${named}', but gold[${index}] calls '${name}'`);
    const tool = tools.find((item) => item.name === named);
    const unknown = Object.keys(values).find(
      (argument) => tool && !schemaOfArgument(tool, argument) && !values[argument]!.includes(''),
    );
    if (unknown !== undefined)
      throw new FieldProblem(
        `${field}.${named}.${unknown}`,
        `is no argument that '${named}' declares: ${declared(tool)}`,
      );
    const options = { ...(tool ? { tool } : {}), ...(language ? { language } : {}) };
    const problem = bfclProblem(call, accepted, options);
    if (problem !== null) throw goldProblem(field, index, named, problem, call, values);
  });
}

function goldProblem(
  field: string,
  index: number,
  name: string,
  problem: CallProblem,
  call: ToolCall,
  values: Record<string, JsonValue[]>,
): FieldProblem {
  if (!('argument' in problem)) return new FieldProblem(field, `does not accept gold[${index}]`);
  const { kind, argument } = problem;
  const place = `${field}.${name}.${argument}`;
  const value = JSON.stringify(call.arguments[argument]);
  switch (kind) {
    case 'missing_argument':
      return new FieldProblem(place, `may not be left out, but gold[${index}] leaves it out`);
    case 'extra_argument':
      return new FieldProblem(place, `is missing: gold[${index}] gives it as ${value}`);
    default:
      return new FieldProblem(
        place,
        `does not hold ${value}, which gold[${index}] gives (accepted: ${JSON.stringify(values[argument])}); mind its declared type`,
      );
  }
}

function declared(tool: Tool | undefined): string {
  const properties = tool?.parameters['properties'] ?? tool?.parameters;
  return isObject(properties) ? Object.keys(properties).join(', ') || 'it has none' : 'it has none';
}

/** Names that are neither in the gold call nor declared can only be mistyped. */
export function checkOptional({
  gold,
  optional_args: optional = [],
  gold_alternatives: alternatives,
  tools,
}: NeutralRecord): void {
  optional.forEach((names, index) => {
    const { name, arguments: given } = gold[index]!;
    const tool = tools.find((item) => item.name === name);
    const accepted = alternatives?.[index]?.[name] ?? {};
    const unknown = names.find(
      (argument) =>
        !Object.hasOwn(given, argument) &&
        !Object.hasOwn(accepted, argument) &&
        tool &&
        !schemaOfArgument(tool, argument),
    );
    if (unknown !== undefined)
      throw new FieldProblem(
        `optional_args[${index}]`,
        `names '${unknown}', which is neither in gold[${index}] nor declared by '${name}': ${declared(tool)}`,
      );
  });
}
