import { coerceCall } from '../eval/benchmarks/coerce';
import { readTurn, spoken } from '../eval/benchmarks/hammer';
import { padded, textOf } from '../eval/benchmarks/reading';
import type { NeutralRecord } from '../eval/neutral-record';
import type { Row } from '../eval/record-reader';
import { readAnswer, readMenu } from './menu';
import { oneRecord, type RowPlace } from './task-list';

/** A row of xlam-function-calling-60k: `{id, query, tools, answers}`, tools and answers as JSON text or as lists. */
export const readXlam = oneRecord((row, place) => readQuery('xlam', row, place));

/** @param source begins the id: `xlam-000017` */
export function readQuery(source: string, row: Row, { index }: RowPlace): NeutralRecord {
  const tools = readMenu(row['tools'], 'tools');
  const turns = Array.isArray(row['query']) ? row['query'].map(readTurn) : undefined;
  return {
    id: `${source}-${idOf(row, index)}`,
    question: turns && turns.length > 0 ? turns.map(spoken).join('\n') : textOf(row['query'], 'query'),
    tools,
    gold: readAnswer(row['answers'], 'answers').map((call) => coerceCall(call, tools)),
    meta: { benchmark: source, split: 'train', flags: [] },
    ...(turns ? { messages: turns } : {}),
  };
}

/** The row's own number, so that a record can be found upstream; else its place in the file. */
function idOf({ id }: Row, index: number): string {
  if (typeof id === 'string' && id.trim() !== '') return id.trim();
  return padded(typeof id === 'number' ? id : index, 6);
}
