import { coerceCall } from '../eval/benchmarks/coerce';
import { FieldProblem, padded, textOf } from '../eval/benchmarks/reading';
import type { NeutralRecord } from '../eval/neutral-record';
import type { Row } from '../eval/record-reader';
import { readAnswer, readMenu } from './menu';
import { readQuery } from './query-answers';
import { oneRecord, type RowPlace } from './task-list';

/** The answer in a fence, as the instruction asks for it. */
const FENCED = /^```(?:json)?\s*([\s\S]*?)\s*```$/;

/** A row of Hammer's training data: `{instruction, input, output}`, tools and question in sections of the instruction, or `{query, tools, answers}`. */
export const readHammerTraining = oneRecord((row: Row, place: RowPlace): NeutralRecord =>
  'instruction' in row ? readMasked(row, place) : readQuery('hammer', row, place),
);

function readMasked(row: Row, { index }: RowPlace): NeutralRecord {
  const instruction = textOf(row['instruction'], 'instruction');
  const tools = readMenu(sectionOf(instruction, 'AVAILABLE TOOLS'), 'instruction, AVAILABLE TOOLS');
  const output = textOf(row['output'], 'output').trim();
  return {
    id: `hammer-${padded(index, 6)}`,
    question: apart(textOf(sectionOf(instruction, 'QUERY'), 'instruction, QUERY')),
    tools,
    gold: readAnswer(FENCED.exec(output)?.[1] ?? output, 'output').map((call) => coerceCall(call, tools)),
    meta: { benchmark: 'hammer', split: 'masked', flags: [] },
  };
}

/** What stands between `[BEGIN OF X]` and the last `[END OF X]`. */
function sectionOf(instruction: string, name: string): string {
  const begin = `[BEGIN OF ${name}]`;
  const start = instruction.indexOf(begin);
  const end = instruction.lastIndexOf(`[END OF ${name}]`);
  if (start < 0 || end < start) throw new FieldProblem('instruction', `has no section ${begin}`);
  return instruction.slice(start + begin.length, end).trim();
}

/** The same text, without the one it was cut from: 200,000 instructions need not stay in memory for the sake of their questions. */
const apart = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le');
