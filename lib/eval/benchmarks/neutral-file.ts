import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { ConfigError } from '../../binding/errors';
import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import { isTooDeep, MAX_CALL_DEPTH } from '../answer-values';
import type { Benchmark } from '../load-benchmark';
import { countRecords, hasUnknownTool, type CallAlternatives, type NeutralRecord } from '../neutral-record';
import { RecordReader, type Row } from '../record-reader';
import { checkAlternatives, checkOptional } from './gold-checks';
import { FieldProblem, idOf, listOf, objectOf, readDataLines, RecordList, textOf } from './reading';
import { runSteps, type Steps } from './steps';

/** Whether a benchmark is named by a file of one's own: a path or a name with an ending. */
export const isNeutralFile = (name: string): boolean => /[\\/]|\.jsonl?$/.test(name);

/**
 * Reads an exam of one's own: neutral records, one JSON object per line. Malformed lines are left out and listed.
 * @throws ConfigError when no record can be read
 */
export async function readNeutralFile(file: string): Promise<Benchmark> {
  const list = new RecordList();
  await runSteps(readRecords(file, list));
  return neutralBenchmark(file, list);
}

function* readRecords(file: string, list: RecordList): Steps {
  const lineOfId = new Map<string, number>();
  for (const { line, row } of readDataLines(file, list)) {
    yield list.add(file, line, () => {
      const record = readRecord(row, `${file}, line ${line}`);
      const earlier = lineOfId.get(record.id);
      if (earlier !== undefined)
        throw new FieldProblem('id', `'${record.id}' stands in line ${earlier} already`);
      lineOfId.set(record.id, line);
      return record;
    });
  }
}

function neutralBenchmark(file: string, { records, problems, dropped }: RecordList): Benchmark {
  if (records.length === 0) {
    const [first] = problems;
    throw new ConfigError(
      `${file}: no record can be read${first ? ` (line ${first.line}: ${first.message})` : ''}`,
      { file },
    );
  }
  const unknown = records.filter(hasUnknownTool).length;
  const name = path.basename(file).replace(/\.jsonl?$/, '');
  return {
    name,
    title: name,
    layout: 'original',
    records,
    counts: countRecords(records),
    problems,
    dropped,
    files: [file],
    notes:
      unknown > 0
        ? [
            `${unknown} ${unknown === 1 ? 'record calls' : 'records call'} a function that is not offered: no answer from the menu can be right there`,
          ]
        : [],
  };
}

/**
 * A neutral record, however it came: fields are checked, others ignored.
 * @throws FieldProblem
 */
export function readRecord(row: Row, place: string): NeutralRecord {
  const reader = new RecordReader(place);
  const tools = inFields(() =>
    reader.list(row, 'tools').map((tool, index) => reader.tool(tool, `tools[${index}]`)),
  );
  const gold = listOf(row['gold'], 'gold').map(readCall);
  checkRepeated(tools, gold);
  const alternatives = perCall(row, 'gold_alternatives', gold, readAlternatives);
  const optional = perCall(row, 'optional_args', gold, readNames);
  const messages = given(row, 'messages', listOf);
  const meta = given(row, 'meta', objectOf);
  const record: NeutralRecord = {
    id: idOf(row['id']),
    question: textOf(row['question'], 'question'),
    tools,
    gold,
    ...(alternatives ? { gold_alternatives: alternatives } : {}),
    ...(optional ? { optional_args: optional } : {}),
    ...(messages ? { messages: messages as unknown as NeutralRecord['messages'] & object } : {}),
    ...(meta ? { meta } : {}),
  };
  checkAlternatives(record);
  checkOptional(record);
  return record;
}

/** A field that may be absent or null. */
const given = <T>(
  row: Row,
  field: string,
  read: (value: JsonValue | undefined, field: string) => T,
): T | undefined => (row[field] === undefined || row[field] === null ? undefined : read(row[field], field));

/** Published menus offer a tool twice here and there. Of two different tools with one name no one could tell which a gold call means. */
function checkRepeated(tools: readonly Tool[], gold: readonly ToolCall[]): void {
  const isAmbiguous = ({ name }: ToolCall) => {
    const [first, ...others] = tools.filter((tool) => tool.name === name);
    return others.some((tool) => !isDeepStrictEqual(tool, first));
  };
  const call = gold.find(isAmbiguous);
  if (call) throw new FieldProblem('tools', `hold '${call.name}' twice, with different definitions`);
}

/** RecordReader names the field in its errors; here a bad field costs its record, not the run. */
function inFields<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const field = error instanceof ConfigError ? error.details['field'] : undefined;
    if (typeof field !== 'string') throw error;
    const { message } = error as ConfigError;
    throw new FieldProblem(field, message.slice(message.indexOf(`${field} `) + field.length + 1));
  }
}

function readCall(value: JsonValue, index: number): ToolCall {
  const call = objectOf(value, `gold[${index}]`);
  const given = objectOf(call['arguments'] ?? {}, `gold[${index}].arguments`);
  if (isTooDeep(given))
    throw new FieldProblem(`gold[${index}].arguments`, `are nested more than ${MAX_CALL_DEPTH} levels deep`);
  return { name: textOf(call['name'], `gold[${index}].name`), arguments: given };
}

/** A list with one entry per gold call. */
function perCall<T>(
  row: Row,
  field: string,
  gold: readonly ToolCall[],
  read: (value: JsonValue, field: string) => T,
): T[] | undefined {
  if (row[field] === undefined || row[field] === null) return undefined;
  const entries = listOf(row[field], field);
  if (entries.length !== gold.length)
    throw new FieldProblem(field, `has ${entries.length} entries for ${gold.length} gold calls`);
  return entries.map((entry, index) => read(entry, `${field}[${index}]`));
}

export function readAlternatives(value: JsonValue, field: string): CallAlternatives {
  const [[name, given] = [], ...more] = Object.entries(objectOf(value, field));
  if (name === undefined || more.length > 0) throw new FieldProblem(field, 'must name one function');
  const entries = Object.entries(objectOf(given, `${field}.${name}`)).map(
    ([argument, accepted]) => [argument, listOf(accepted, `${field}.${name}.${argument}`)] as const,
  );
  return { [name]: Object.fromEntries(entries) };
}

function readNames(value: JsonValue, field: string): string[] {
  return listOf(value, field).map((name, index) => textOf(name, `${field}[${index}]`));
}
