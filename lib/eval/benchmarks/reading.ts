import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError } from '../../binding/errors';
import type { JsonValue } from '../../tasks/task';
import type { NeutralRecord, RecordProblem } from '../neutral-record';
import { isObject, type Row } from '../record-reader';

/** A field of a record that cannot be used; caught by `RecordList.add`, which goes on with the next record. */
export class FieldProblem extends Error {
  constructor(
    readonly field: string,
    problem: string,
  ) {
    super(`${field} ${problem}`);
  }
}

/** Gathers the records of a benchmark and the problems of those that had to be left out. */
export class RecordList {
  readonly records: NeutralRecord[] = [];
  readonly problems: RecordProblem[] = [];
  /** Records left out on purpose, by reason. */
  readonly dropped: Record<string, number> = {};
  /** What to know about the files that were found. */
  readonly notes: string[] = [];

  /** Runs `read`; a FieldProblem it throws becomes a problem of this line, and reading goes on. */
  attempt(file: string, line: number, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof FieldProblem)) throw error;
      this.problems.push({ file, line, field: error.field, message: error.message });
    }
  }

  add(file: string, line: number, read: () => NeutralRecord): void {
    this.attempt(file, line, () => this.records.push(read()));
  }

  /** Counts a record that is left out on purpose. */
  drop(reason: string): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }
}

/** Text of a data file. @throws ConfigError */
export function readDataText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${file}: cannot be read (${(cause as Error).message})`, { file }, { cause });
  }
}

/** A JSON data file. @throws ConfigError for a file that is cut off or no JSON */
export function readDataJson(file: string): JsonValue {
  const text = readDataText(file);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    const cut = /^\s*[[{]/.test(text) && !/[\]}]\s*$/.test(text);
    const pointer = text.startsWith('version https://git-lfs');
    const guess = pointer
      ? 'it is a Git LFS pointer: run git lfs pull'
      : text.trim() === ''
        ? 'it is empty: download it again'
        : cut
          ? `it ends after ${text.length} characters in the middle: a download that was cut off? Fetch it again`
          : (cause as Error).message;
    throw new ConfigError(`${file}: is not valid JSON (${guess})`, { file }, { cause });
  }
}

/** A JSON data file that holds a list. @throws ConfigError */
export function readDataList(file: string): JsonValue[] {
  const value = readDataJson(file);
  if (!Array.isArray(value) || value.length === 0) {
    throw new ConfigError(`${file}: must hold a non-empty list`, { file });
  }
  return value;
}

/** The rows of a JSON-lines file with their line numbers, in order; a row that is no JSON object is a problem of the list. */
export function* readDataLines(file: string, list: RecordList): Generator<{ line: number; row: Row }> {
  let rows = 0;
  for (const [index, content] of readDataText(file).split('\n').entries()) {
    if (content.trim() === '') continue;
    const line = index + 1;
    let row: Row | undefined;
    list.attempt(file, line, () => (row = parseRow(content)));
    if (row === undefined) continue;
    rows++;
    yield { line, row };
  }
  if (rows === 0) throw new ConfigError(`${file}: holds no record`, { file });
}

function parseRow(content: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new FieldProblem('row', `is not valid JSON (${(cause as Error).message})`);
  }
  if (!isObject(value)) throw new FieldProblem('row', 'must be an object');
  return value;
}

/** The short form of a path for messages. */
export const shortPath = (file: string): string => path.relative(process.cwd(), file) || file;

export function objectOf(value: JsonValue | undefined, field: string): Row {
  if (!isObject(value)) throw new FieldProblem(field, 'must be an object');
  return value;
}

export function listOf(value: JsonValue | undefined, field: string): JsonValue[] {
  if (!Array.isArray(value)) throw new FieldProblem(field, 'must be a list');
  return value;
}

export function textOf(value: JsonValue | undefined, field: string): string {
  if (typeof value !== 'string' || value.trim() === '')
    throw new FieldProblem(field, 'must be a non-empty string');
  return value;
}

/** `7` → `007`: ids of records. */
export const padded = (index: number, width: number): string => String(index).padStart(width, '0');
