import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import type { NeutralMessage, NeutralRecord } from '../neutral-record';
import { coerceCall } from './coerce';
import type { DataFolder } from './data-folder';
import type { BenchmarkFiles } from './layouts';
import { FieldProblem, listOf, objectOf, padded, readDataList, textOf, type RecordList } from './reading';
import { describe, schemaOfType, toolOf } from './schema-types';
import type { Steps } from './steps';

/** How the turns of a dialogue are written in a question. */
const SPEAKERS: Readonly<Record<string, string>> = {
  user: 'User',
  agent: 'AI',
  assistant: 'API-Request',
  tool: 'API-Response',
};

/** Files of `data/test/original`; those of the same names in `data/test/hammer*` have other functions and are never read. */
export const findHammer =
  (...sets: readonly string[]) =>
  (folder: DataFolder): BenchmarkFiles =>
    Object.fromEntries(
      sets.map((set) => [
        `${set}.json`,
        folder.find(`${set}.json`, { prefer: ['original', 'hammer'], avoid: ['mask', 'test.hammer'] }),
      ]),
    );

/** One of Hammer's test sets: `{query, tools, answers}`, the query a text or a list of turns. */
export function* readHammer(set: string, file: string, list: RecordList): Steps {
  for (const [index, value] of readDataList(file).entries()) {
    yield list.add(file, index + 1, () => readRow(value, `hammer-${set}-${padded(index, 3)}`, set));
  }
}

function readRow(value: JsonValue, id: string, set: string): NeutralRecord {
  const row = objectOf(value, 'row');
  const tools = listOf(row['tools'], 'tools').map((tool, index) => readTool(tool, `tools[${index}]`));
  const gold = listOf(row['answers'], 'answers').map((call, index) =>
    coerceCall(readCall(call, `answers[${index}]`), tools),
  );
  const turns = Array.isArray(row['query']) ? row['query'].map(readTurn) : undefined;
  return {
    id,
    question: turns ? turns.map(spoken).join('\n') : textOf(row['query'], 'query'),
    tools,
    gold,
    meta: { benchmark: set, split: 'hammer', flags: [] },
    ...(turns ? { messages: turns } : {}),
  };
}

export function readTurn(value: JsonValue, index: number): NeutralMessage {
  const turn = objectOf(value, `query[${index}]`);
  const role = textOf(turn['role'], `query[${index}].role`);
  if (!(role in SPEAKERS)) throw new FieldProblem(`query[${index}].role`, `'${role}' is unknown`);
  return { role, content: textOf(turn['content'], `query[${index}].content`) };
}

/** A turn as a question tells it: `User: …`, `AI: …`, `API-Request: …`, `API-Response: …`. */
export const spoken = ({ role, content }: NeutralMessage) => `${SPEAKERS[role]}: ${content}`;

function readTool(value: JsonValue, field: string): Tool {
  const tool = objectOf(value, field);
  const parameters = Object.entries(objectOf(tool['parameters'] ?? {}, `${field}.parameters`)).map(
    ([name, parameter]) => [name, objectOf(parameter, `${field}.parameters.${name}`)] as const,
  );
  const properties = parameters.map(([name, given]) => {
    const schema = describe(schemaOfType(given['type']), given['description']);
    return [name, 'default' in given ? { ...schema, default: given['default']! } : schema] as const;
  });
  // Seal-Tools' rows have a list as well, and say the same twice.
  const marked = parameters.filter(([, given]) => given['required'] === true).map(([name]) => name);
  const listed = Array.isArray(tool['required'])
    ? tool['required'].filter((name) => typeof name === 'string')
    : undefined;
  return toolOf(
    textOf(tool['name'], `${field}.name`),
    tool['description'],
    Object.fromEntries(properties),
    listed ?? marked,
  );
}

/** Seal-Tools' rows say `{tool, parameters}`, the others `{name, arguments}`. */
function readCall(value: JsonValue, field: string): ToolCall {
  const call = objectOf(value, field);
  return {
    name: textOf(call['name'] ?? call['tool'], `${field}.name`),
    arguments: objectOf(call['arguments'] ?? call['parameters'], `${field}.arguments`),
  };
}
