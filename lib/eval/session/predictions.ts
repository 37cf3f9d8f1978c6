import { ConfigError } from '../../binding/errors';
import type { ScoredAnswer, TaskResult } from '../answer';
import { resultOf, scoreCallsOf } from '../answer';
import { FieldProblem, idOf, readDataLines, RecordList } from '../benchmarks/reading';
import type { NeutralRecord, RecordProblem } from '../neutral-record';
import { interfaceName, readCallList, readCalls } from '../read-calls';
import type { JsonValue, ToolCall } from '../../tasks/task';
import { isObject, type Row } from '../record-reader';

/** One answer of another system. */
export interface Prediction {
  line: number;
  row: Row;
}

/** Answers of another system: by id, in the order of the file. */
export interface Predictions {
  rows: ReadonlyMap<string, readonly Prediction[]>;
  /** Malformed lines, left out. */
  problems: RecordProblem[];
}

/** Fields that hold an answer; the first that is not null counts. */
const FIELDS = ['calls', 'tool_calls', 'message', 'choices', 'candidates', 'text', 'content'] as const;
/** Fields that hold the answers of a response: the first one counts. */
const RESPONSES: readonly string[] = ['choices', 'candidates'];
const TEXTS: readonly string[] = ['text', 'content'];

/**
 * Reads lines of an id and an answer: `text` (or `content`) as the model gave it; or `calls`, a list of calls or a message of OpenAI's form; or
 * that message under `message`, its calls under `tool_calls`; or `choices` and `candidates` of a response. Null is no answer. Several lines of an id are several answers.
 * @throws ConfigError
 */
export function readPredictions(file: string): Predictions {
  const list = new RecordList();
  const rows = new Map<string, Prediction[]>();
  for (const { line, row } of readDataLines(file, list)) {
    list.attempt(file, line, () => {
      const id = idOf(row['id']);
      checkAnswer(row);
      const earlier = rows.get(id);
      if (earlier) earlier.push({ line, row });
      else rows.set(id, [{ line, row }]);
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
    // No answer is no right answer, also where no call is wanted.
    return resultOf(record, given?.map((one) => scorePrediction(one, record)) ?? [WITHOUT_ANSWER]);
  });
  return { results, missing };
}

const WITHOUT_ANSWER: ScoredAnswer = { correct: false, calls: null, errors: [{ kind: 'no_parse' }] };

function scorePrediction({ line, row }: Prediction, record: NeutralRecord): ScoredAnswer {
  const field = fieldOf(row)!;
  const value = row[field];
  const calls = callsOf(field, value, record);
  const text = typeof value === 'string' ? { text: value } : {};
  if (calls === 'unreadable') return { ...WITHOUT_ANSWER, ...text, unreadable: line };
  return { ...scoreCallsOf(withOfferedNames(calls, record), record), ...text };
}

/** A field of calls that holds something else is no silence; a text may be just words. */
function callsOf(
  field: string,
  value: JsonValue | undefined,
  record: NeutralRecord,
): ToolCall[] | null | 'unreadable' {
  if (typeof value === 'string') {
    const isCalls = !TEXTS.includes(field) && !NOTHING.test(value);
    return readCalls(value, record) ?? (isCalls ? 'unreadable' : null);
  }
  if (value === null || value === undefined || (isObject(value) && Object.keys(value).length === 0))
    return null;
  if (RESPONSES.includes(field)) return readCallList([{ [field]: value }], record);
  return readCallList(Array.isArray(value) ? value : [value], record);
}

const NOTHING = /^\s*(?:null|none)?\s*$/i;

/** A name in which an interface has changed letters is that of the tool it was made of. */
function withOfferedNames(calls: ToolCall[] | null, { tools }: NeutralRecord): ToolCall[] | null {
  return (
    calls?.map((call) => {
      if (tools.some(({ name }) => name === call.name)) return call;
      const meant = tools.filter(({ name }) => interfaceName(name) === call.name);
      return meant.length === 1 ? { ...call, name: meant[0]!.name } : call;
    }) ?? null
  );
}
