import { ConfigError } from '../../binding/errors';
import type { ScoredAnswer, TaskResult } from '../answer';
import { resultOf, scoreCallsOf } from '../answer';
import { FieldProblem, readDataLines, RecordList, textOf } from '../benchmarks/reading';
import type { NeutralRecord, RecordProblem } from '../neutral-record';
import { readCallList, readCalls } from '../read-calls';
import type { ToolCall } from '../../tasks/task';
import type { Row } from '../record-reader';

/** Answers of another system: by id, in the order of the file. */
export interface Predictions {
  rows: ReadonlyMap<string, readonly Row[]>;
  /** Malformed lines, left out. */
  problems: RecordProblem[];
}

/** Fields that hold an answer; the first that is not null counts. */
const FIELDS = ['calls', 'tool_calls', 'message', 'text', 'content'] as const;
const TEXTS: readonly string[] = ['text', 'content'];

/**
 * Reads lines of an id and an answer: `text` (or `content`) as the model gave it; or `calls`, a list of calls or a message of OpenAI's form; or
 * that message under `message`, its calls under `tool_calls`. Null is no answer. Several lines of an id are several answers.
 * @throws ConfigError
 */
export function readPredictions(file: string): Predictions {
  const list = new RecordList();
  const rows = new Map<string, Row[]>();
  for (const { line, row } of readDataLines(file, list)) {
    list.attempt(file, line, () => {
      const id = typeof row['id'] === 'number' ? String(row['id']) : textOf(row['id'], 'id');
      checkAnswer(row);
      const earlier = rows.get(id);
      if (earlier) earlier.push(row);
      else rows.set(id, [row]);
    });
  }
  const [first] = list.problems;
  if (rows.size === 0 && first) {
    throw new ConfigError(`${file}: no answer can be read (line ${first.line}: ${first.message})`, { file });
  }
  return { rows, problems: list.problems };
}

const fieldOf = (row: Row) =>
  FIELDS.find((name) => row[name] !== undefined && row[name] !== null) ?? FIELDS.find((name) => name in row);

function checkAnswer(row: Row): void {
  const field = fieldOf(row);
  if (field === undefined) {
    const others = Object.keys(row).filter((name) => name !== 'id');
    throw new FieldProblem(
      'text',
      `is missing, and so is calls: a line needs the answer as text, or its calls (it has ${others.join(', ') || 'nothing else'})`,
    );
  }
  const type = typeof row[field];
  if (
    TEXTS.includes(field) ? type !== 'string' && row[field] !== null : type === 'number' || type === 'boolean'
  ) {
    const wanted = TEXTS.includes(field) ? 'a string' : 'a list of calls {name, arguments}';
    throw new FieldProblem(field, `must be ${wanted}, or null where there is no answer`);
  }
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
  const value = row[fieldOf(row)!];
  if (typeof value === 'string') {
    return { ...scoreCallsOf(withOfferedNames(readCalls(value), record), record), text: value };
  }
  const given = value === null || value === undefined ? null : Array.isArray(value) ? value : [value];
  return scoreCallsOf(withOfferedNames(given && readCallList(given), record), record);
}

/** Interfaces like OpenAI's take no dots or blanks in names, so callers write `_` for them: such a name is that of the tool it was made of. */
const interfaceName = (name: string) => name.replace(/[^A-Za-z0-9_-]/g, '_');

function withOfferedNames(calls: ToolCall[] | null, { tools }: NeutralRecord): ToolCall[] | null {
  return (
    calls?.map((call) => {
      if (tools.some(({ name }) => name === call.name)) return call;
      const meant = tools.filter(({ name }) => interfaceName(name) === call.name);
      return meant.length === 1 ? { ...call, name: meant[0]!.name } : call;
    }) ?? null
  );
}
