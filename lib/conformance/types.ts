import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What checking one file of oracle vectors gave; the counts add up to its rows. */
export interface FileResult {
  file: string;
  passed: number;
  failed: number;
  /** Rows that differ from the oracle where a declared predicate allows it, with a defined result. */
  departed: number;
  skipped: number;
  /** Why rows were skipped. */
  reason?: string;
  failures: { id: string; message: string }[];
}

/** A result that is defined but not the oracle's. Any other exception means the code under test itself failed. */
export class Mismatch extends Error {
  override name = 'Mismatch';
}

/** The flags a row may carry; see the vectors' README. */
export interface VectorRow {
  id?: string;
  py_only?: boolean;
  has_bigint?: boolean;
  needs_float_lexeme?: boolean;
}

/** `'passed'`, or a message saying how the result differs. */
export type RowVerdict = 'passed' | (string & {});

const MAX_FAILURES_KEPT = 20;

/**
 * The rows on which a departure is allowed: the original raises an exception, the values exist in Python only, or
 * the outcome hangs on integers beyond 2^53 or on the spelling of a float. Never an id.
 */
export function mayDepart(row: VectorRow): boolean {
  return Boolean(row.py_only || row.has_bigint || row.needs_float_lexeme) || holdsRaises(row);
}

function holdsRaises(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Object.hasOwn(value, 'raises')) return true;
  return Object.values(value).some(holdsRaises);
}

/**
 * Runs `rowFn` on every row of a JSONL file. A returned message or a thrown `Mismatch` is a difference: it counts as
 * departed where `departure` allows it, as failed elsewhere. Any other exception is a failure on every row.
 *
 * @param line passed on to `rowFn` beside the row, for readers that need the numbers as they are spelt
 */
export async function checkJsonl<Row extends VectorRow>(
  dir: string,
  file: string,
  rowFn: (row: Row, line: string) => RowVerdict | Promise<RowVerdict>,
  departure: (row: Row) => boolean = mayDepart,
): Promise<FileResult> {
  const result: FileResult = { file, passed: 0, failed: 0, departed: 0, skipped: 0, failures: [] };
  const path = join(dir, file);
  if (!existsSync(path)) return { ...result, skipped: 1, reason: 'no such file' };
  let number = 0;
  // Not node:readline, which also breaks lines at U+2028 and U+2029: these stand raw inside strings of the vectors.
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    number++;
    if (line.trim() === '') continue;
    const row = JSON.parse(line) as Row;
    const { verdict, broken } = await judge(rowFn, row, line);
    if (verdict === 'passed') result.passed++;
    else if (!broken && departure(row)) result.departed++;
    else {
      result.failed++;
      if (result.failures.length < MAX_FAILURES_KEPT) {
        result.failures.push({ id: row.id ?? `line ${number}`, message: verdict });
      }
    }
  }
  return result;
}

async function judge<Row>(
  rowFn: (row: Row, line: string) => RowVerdict | Promise<RowVerdict>,
  row: Row,
  line: string,
): Promise<{ verdict: RowVerdict; broken: boolean }> {
  try {
    return { verdict: await rowFn(row, line), broken: false };
  } catch (error) {
    if (error instanceof Mismatch) return { verdict: error.message, broken: false };
    return { verdict: `exception: ${error instanceof Error ? error.message : String(error)}`, broken: true };
  }
}

/** Throws `Mismatch` unless the two are equal as JSON values; numbers may differ by `tolerance` (absolute). */
export function expectEqual(actual: unknown, expected: unknown, what: string, tolerance = 0): void {
  const where = firstDifference(actual, expected, tolerance, '');
  if (where !== null) throw new Mismatch(`${what}${where}`);
}

function firstDifference(a: unknown, b: unknown, tolerance: number, path: string): string | null {
  if (Object.is(a, b)) return null;
  if (typeof a === 'number' && typeof b === 'number') {
    return Math.abs(a - b) <= tolerance ? null : `${path}: got ${a}, expected ${b}`;
  }
  const isTree = (v: unknown): v is object => v !== null && typeof v === 'object';
  if (!isTree(a) || !isTree(b) || Array.isArray(a) !== Array.isArray(b)) {
    return `${path}: got ${brief(a)}, expected ${brief(b)}`;
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) {
    if (!Object.hasOwn(a, key)) return `${path}.${key} is missing`;
    if (!Object.hasOwn(b, key)) return `${path}.${key} is not expected`;
    const inside = firstDifference(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown>)[key],
      tolerance,
      `${path}.${key}`,
    );
    if (inside !== null) return inside;
  }
  return null;
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
