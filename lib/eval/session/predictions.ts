import type { ScoredAnswer, TaskResult } from '../answer';
import { resultOf, scoreCallsOf, scoreText } from '../answer';
import { FieldProblem, readDataLines, RecordList, textOf } from '../benchmarks/reading';
import type { NeutralRecord, RecordProblem } from '../neutral-record';
import { readCallList } from '../read-calls';
import type { Row } from '../record-reader';

/** Answers of another system: by id, in the order of the file. */
export interface Predictions {
  rows: ReadonlyMap<string, readonly Row[]>;
  /** Malformed lines, left out. */
  problems: RecordProblem[];
}

/** Reads `{id, text}` or `{id, calls}` per line; several lines of an id are several answers. @throws ConfigError */
export function readPredictions(file: string): Predictions {
  const list = new RecordList();
  const rows = new Map<string, Row[]>();
  for (const { line, row } of readDataLines(file, list)) {
    list.attempt(file, line, () => {
      const id = typeof row['id'] === 'number' ? String(row['id']) : textOf(row['id'], 'id');
      const { text, calls } = row;
      if (typeof text !== 'string' && calls !== null && !Array.isArray(calls))
        throw new FieldProblem(
          'text',
          'must be a string, or calls a list (or null where there is no answer)',
        );
      rows.set(id, [...(rows.get(id) ?? []), row]);
    });
  }
  return { rows, problems: list.problems };
}

/** The answers to a set, scored; a record without one counts as wrong. */
export function scorePredictions(
  records: readonly NeutralRecord[],
  { rows }: Predictions,
): { results: TaskResult[]; missing: number } {
  let missing = 0;
  const results = records.map((record): TaskResult => {
    const given = rows.get(record.id);
    if (given === undefined) missing++;
    const answers = given?.map((row) => scorePrediction(row, record)) ?? [scoreCallsOf(null, record)];
    // No answer is no right answer, also where no call is wanted.
    return resultOf(record, given ? answers : answers.map((answer) => ({ ...answer, ...UNANSWERED })));
  });
  return { results, missing };
}

const UNANSWERED: Pick<ScoredAnswer, 'correct' | 'errors'> = {
  correct: false,
  errors: [{ kind: 'no_parse' }],
};

function scorePrediction(row: Row, record: NeutralRecord): ScoredAnswer {
  const { text, calls } = row;
  if (Array.isArray(calls)) return scoreCallsOf(readCallList(calls), record);
  return typeof text === 'string' ? scoreText(text, record) : scoreCallsOf(null, record);
}
