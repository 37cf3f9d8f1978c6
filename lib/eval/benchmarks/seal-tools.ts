import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import { readPythonLiteral, toJson } from '../../text';
import type { NeutralRecord } from '../neutral-record';
import { coerceCall } from './coerce';
import type { DataFolder } from './data-folder';
import type { BenchmarkFiles } from './layouts';
import { FieldProblem, listOf, objectOf, readDataList, textOf, type RecordList } from './reading';
import { describe, schemaOfType, toolOf } from './schema-types';
import type { Steps } from './steps';

const SPLITS = ['test_in_domain', 'test_out_domain'] as const;
const fileOf = (split: string) => `dataset_for_finetune/${split}.json`;

export const findSealTools = (folder: DataFolder): BenchmarkFiles =>
  Object.fromEntries(SPLITS.map((split) => [fileOf(split), folder.find(fileOf(split))]));

/** @param level the 294 easy questions have one call; the difficult ones several, 57 of which quote results of earlier calls */
export function* readSealTools(
  files: Record<string, string>,
  list: RecordList,
  level: 'easy' | 'difficult',
): Steps {
  for (const split of SPLITS) {
    const file = files[fileOf(split)]!;
    for (const [index, value] of readDataList(file).entries()) {
      if (!isOtherLevel(value, level)) yield list.add(file, index + 1, () => readRow(value, split, level));
    }
  }
}

/** Rows whose id names another level belong to another set; a row without an id is malformed in both. */
function isOtherLevel(value: JsonValue, level: string): boolean {
  const id = value !== null && typeof value === 'object' && !Array.isArray(value) ? value['id'] : undefined;
  return typeof id === 'string' && !id.includes(`-${level}-`);
}

/** The prompt is a text with the menu as a Python literal, then the question in quotation marks of its own. */
const PROMPT = /api_list = (\[[\s\S]*\])\ntask_instruction = "([\s\S]*)"\nOutput:/;

function readRow(value: JsonValue, split: string, level: string): NeutralRecord {
  const row = objectOf(value, 'row');
  const turns = listOf(row['conversations'], 'conversations');
  const said = (place: number) =>
    textOf(objectOf(turns[place], `conversations[${place}]`)['value'], `conversations[${place}].value`);
  const prompt = PROMPT.exec(said(0));
  if (prompt === null)
    throw new FieldProblem('conversations[0].value', 'holds no api_list and task_instruction');
  const tools = literal(prompt[1]!, 'api_list').map((tool, index) => readTool(tool, `api_list[${index}]`));
  const gold = literal(said(1), 'conversations[1].value').map((call, index) =>
    coerceCall(readCall(call, index), tools),
  );
  return {
    id: textOf(row['id'], 'id'),
    question: prompt[2]!,
    tools,
    gold,
    meta: { benchmark: 'sealtools', split, level, flags: quotesResults(gold) ? ['nested'] : [] },
  };
}

function literal(text: string, field: string): JsonValue[] {
  const read = readPythonLiteral(text);
  if (!read.ok) throw new FieldProblem(field, `is not a Python literal (${read.reason})`);
  return listOf(toJson(read.value), field);
}

function readTool(value: JsonValue, field: string): Tool {
  const tool = objectOf(value, field);
  const properties = Object.entries(objectOf(tool['parameters'] ?? {}, `${field}.parameters`)).map(
    ([name, parameter]) => {
      const given = objectOf(parameter, `${field}.parameters.${name}`);
      const schema = describe(schemaOfType(given['type']), given['description']);
      return [name, 'default' in given ? { ...schema, default: given['default']! } : schema] as const;
    },
  );
  const required = listOf(tool['required'] ?? [], `${field}.required`).filter(
    (name) => typeof name === 'string',
  );
  return toolOf(
    textOf(tool['api_name'], `${field}.api_name`),
    tool['api_description'],
    Object.fromEntries(properties),
    required,
  );
}

function readCall(value: JsonValue, index: number): ToolCall {
  const field = `answer[${index}]`;
  const call = objectOf(value, field);
  return {
    name: textOf(call['api'], `${field}.api`),
    arguments: objectOf(call['parameters'], `${field}.parameters`),
  };
}

const quotesResults = (gold: readonly ToolCall[]) => /API_call_\d/.test(JSON.stringify(gold));
