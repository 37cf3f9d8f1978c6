import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import { hasUnknownTool, UNKNOWN_TOOL_FLAG, type NeutralRecord } from '../neutral-record';
import type { Row } from '../record-reader';
import type { DataFolder } from './data-folder';
import type { BenchmarkFiles } from './layouts';
import { FieldProblem, listOf, objectOf, padded, readDataList, textOf, type RecordList } from './reading';
import { parameterOf } from './tool-alpaca-parameter';
import { toolOf } from './schema-types';
import type { Steps } from './steps';

export type ToolAlpacaSplit = 'real' | 'simulated';
const fileOf = (split: ToolAlpacaSplit) => `eval_${split}.json`;

export const findToolAlpaca =
  (split: ToolAlpacaSplit) =>
  (folder: DataFolder): BenchmarkFiles => ({ [fileOf(split)]: folder.find(fileOf(split)) });

/** Describes types of results and is no function. */
const PSEUDO_TOOL = 'components';

/**
 * The list of APIs, each with its questions. Keys that an API needs are appended to its questions as upstream's own harness does, and the gold
 * calls hold those. Rows of the simulated split that need an earlier result or an answer of the user (`${…}`, `getDetails`) are left out.
 */
export function* readToolAlpaca(
  split: ToolAlpacaSplit,
  files: Record<string, string>,
  list: RecordList,
): Steps {
  const file = files[fileOf(split)]!;
  for (const [apiIndex, value] of readDataList(file).entries()) {
    yield list.attempt(file, apiIndex + 1, () => {
      const api = objectOf(value, 'row');
      const tools = readTools(objectOf(api['Function_Description'], 'Function_Description'));
      const golds = listOf(api['Golden_Answers'], 'Golden_Answers');
      listOf(api['Instructions'], 'Instructions').forEach((question, index) => {
        if (split === 'simulated' && needsMore(golds[index])) {
          list.drop('gold needs an earlier result or more from the user');
          return;
        }
        const id = `${split}-${padded(apiIndex, 2)}-${padded(index, 2)}`;
        list.add(file, apiIndex + 1, () => readRow(id, split, api, tools, question, golds[index], index));
      });
    });
  }
}

function readRow(
  id: string,
  split: ToolAlpacaSplit,
  api: Row,
  tools: readonly Tool[],
  question: JsonValue,
  answer: JsonValue | undefined,
  index: number,
): NeutralRecord {
  const keys = keysOf(api);
  const calls = listOf(answer, `Golden_Answers[${index}]`).map((call, place) =>
    readCall(call, `Golden_Answers[${index}][${place}]`),
  );
  const gold = calls.map(({ call }) => withKeys(call, keys));
  const optional = gold.map((call) =>
    Object.keys(call.arguments).filter((name) => call.arguments[name] === ''),
  );
  const authentication = [...keys].map(([name, value]) => `${name}=${value}`).join(' ');
  const text = textOf(question, `Instructions[${index}]`);
  return {
    id,
    question: keys.size === 0 ? text : `${text}\nAuthentication information: ${authentication}`,
    tools: [...tools],
    gold,
    meta: {
      benchmark: 'toolalpaca',
      split,
      api: typeof api['Name'] === 'string' ? api['Name'] : '',
      flags: [
        ...(keys.size > 0 ? ['authentication text appended'] : []),
        ...(calls.some(({ repaired }) => repaired) ? ['gold JSON repaired'] : []),
        ...(calls.some(({ marked }) => marked) ? ['gold call marked optional'] : []),
        ...(hasUnknownTool({ tools: [...tools], gold }) ? [UNKNOWN_TOOL_FLAG] : []),
      ],
    },
    ...(optional.some((names) => names.length > 0) ? { optional_args: optional } : {}),
  };
}

const MASKED = /^\*+$/;

/**
 * The keys that an API's questions tell. Upstream masks them ("***") for its users to put in their own, and its gold calls hold those of its
 * authors: told a mask, no model could give them. A masked key is told as a made-up one.
 */
function keysOf(api: Row): ReadonlyMap<string, string> {
  const name = typeof api['Name'] === 'string' ? api['Name'].replace(/[^A-Za-z0-9]/g, '') : '';
  const given = Object.entries(objectOf(api['Authentication'] ?? {}, 'Authentication'));
  return new Map(
    given.map(([key, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return [key, MASKED.test(text) ? `DEMO_${key}_${name}`.toUpperCase() : text];
    }),
  );
}

/** A gold call with the keys that its question tells. */
const withKeys = (call: ToolCall, keys: ReadonlyMap<string, string>): ToolCall => ({
  name: call.name,
  arguments: Object.fromEntries(
    Object.entries(call.arguments).map(([name, value]) => [name, keys.get(name) ?? value]),
  ),
});

const needsMore = (answer: JsonValue | undefined) => /\$\{|"getDetails"/.test(JSON.stringify(answer ?? null));

function readTools(descriptions: Row): Tool[] {
  return Object.entries(descriptions)
    .filter(([name]) => name !== PSEUDO_TOOL)
    .map(([name, text]) => readTool(name, textOf(text, `Function_Description.${name}`)));
}

/** What it does, its parameters as JSON, what it gives back. */
const FUNCTION = /^([\s\S]*?)(?:^|\n)Parameters: ([\s\S]*?)(?:\nOutput:[\s\S]*)?$/;

function readTool(name: string, text: string): Tool {
  const field = `Function_Description.${name}`;
  const match = FUNCTION.exec(text);
  if (match === null) throw new FieldProblem(field, 'holds no Parameters');
  const parameters = Object.entries(objectOf(parse(match[2]!, field), field)).map(
    ([argument, words]) => [argument, parameterOf(textOf(words, `${field}.${argument}`))] as const,
  );
  return toolOf(
    name,
    match[1],
    Object.fromEntries(parameters.map(([argument, { schema }]) => [argument, schema])),
    parameters.filter(([, { required }]) => required).map(([argument]) => argument),
  );
}

function parse(text: string, field: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new FieldProblem(field, `is not valid JSON (${(cause as Error).message})`);
  }
}

/** One gold call of the simulated split is marked so; it counts like the others. */
const OPTIONAL_MARK = /^\[Optional\]\s*/;
/** Four published golds say `"symbols": "symbols": ["EUR"]`. */
const DOUBLED_KEY = /"(\w+)": "\1": /g;

function readCall(value: JsonValue, field: string): { call: ToolCall; repaired: boolean; marked: boolean } {
  const row = objectOf(value, field);
  const given = row['Action_Input'];
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  const repaired = text.replace(DOUBLED_KEY, '"$1": ');
  const args = objectOf(parse(repaired, `${field}.Action_Input`), `${field}.Action_Input`);
  const written = textOf(row['Action'], `${field}.Action`);
  const name = written.replace(OPTIONAL_MARK, '');
  return { call: { name, arguments: args }, repaired: repaired !== text, marked: name !== written };
}
