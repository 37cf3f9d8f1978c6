/** The rules of BFCL's AST checker for one call, as its documentation and data describe them; no code of it is used. */
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { acceptance } from './bfcl-values';
import { schemaOfArgument } from './benchmarks/schema-types';
import type { CallAlternatives } from './neutral-record';
import { languageOf, sourceValue, type SourceLanguage } from './source-values';

/** What keeps a call from being accepted; null if it is accepted. */
export type CallProblem =
  | { kind: 'wrong_tool' }
  | { kind: 'missing_argument' | 'extra_argument' | 'wrong_type' | 'wrong_value'; argument: string };

export interface BfclOptions {
  /** The function's declaration: types and required arguments are checked against it. Without it neither is. */
  tool?: Tool;
  /** Default true. */
  checkTypes?: boolean;
  /** Of a function whose arguments come as source text (`format_type` in its schema). Default: what its type names tell. */
  language?: SourceLanguage;
}

/**
 * Every argument must be declared and hold one of its accepted values; one may be left out if "" is accepted and it is not required.
 * Texts are compared without case, blanks and `,./-_*^`, names of variables exactly; an integer serves where a float is declared.
 */
export function bfclProblem(
  call: ToolCall,
  alternatives: CallAlternatives,
  { tool, checkTypes = true, language = languageOf(tool) }: BfclOptions = {},
): CallProblem | null {
  const [name, accepted] = Object.entries(alternatives)[0]!;
  if (call.name.trim() !== name) return { kind: 'wrong_tool' };
  const isGiven = (argument: string) => Object.hasOwn(call.arguments, argument);
  const left = requiredOf(tool).find((argument) => !isGiven(argument));
  if (left !== undefined) return { kind: 'missing_argument', argument: left };
  for (const [argument, value] of Object.entries(call.arguments)) {
    const values = Object.hasOwn(accepted, argument) ? accepted[argument]! : undefined;
    const schema = schemaOfArgument(tool, argument);
    if (values === undefined || (tool && !schema)) return { kind: 'extra_argument', argument };
    const given = longInteger(value, values);
    const read = schema ? sourceValue(given, schema, language) : given;
    const judged = acceptance(read, schema ?? {}, values, checkTypes);
    if (judged !== 'accepted') return { kind: judged, argument };
  }
  const omitted = Object.keys(accepted).find(
    (argument) => !isGiven(argument) && !accepted[argument]!.includes(''),
  );
  return omitted === undefined ? null : { kind: 'missing_argument', argument: omitted };
}

const LONG_INTEGER = /^-?\d{16,}$/;

/** Integers beyond 2^53 are read from answers as text, to lose no digit; the accepted values have lost theirs as they were read. */
function longInteger(value: JsonValue, accepted: readonly JsonValue[]): JsonValue {
  if (typeof value !== 'string' || !LONG_INTEGER.test(value)) return value;
  const near = Number(value);
  return !Number.isSafeInteger(near) && accepted.includes(near) ? near : value;
}

/** Arguments that a function declares as required. */
export function requiredOf(tool: Tool | undefined): string[] {
  const required: JsonValue | undefined = tool?.required ?? tool?.parameters['required'];
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}
