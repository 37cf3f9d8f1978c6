import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError } from '../../binding/errors';
import { closest } from '../../config/suggest';
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

/** Text of a data file, without a byte order mark. @throws ConfigError */
export function readDataText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new ConfigError(`${file}: cannot be read (${causeOf(cause, file)})`, { file }, { cause });
  }
}

/** Why a file or folder cannot be read, in words. */
export function causeOf(cause: unknown, file: string): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return `it is not there${siblingLike(file)}`;
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOTDIR':
      return 'it, or a part of its path, is a file';
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read it';
    default:
      return message;
  }
}

/** A file or folder beside the absent one whose name is like its name. */
function siblingLike(file: string): string {
  const dir = path.dirname(file);
  try {
    const near = closest(path.basename(file), fs.readdirSync(dir));
    return near === undefined ? '' : `. Did you mean ${path.join(dir, near)}?`;
  } catch {
    return '';
  }
}

/** What a text that is no data is instead, if that can be told. */
function pretender(text: string, isPublished: boolean): string | undefined {
  if (text.startsWith('version https://git-lfs')) return 'it is a Git LFS pointer: run git lfs pull';
  if (text.trim() === '') return isPublished ? 'it is empty: download it again' : 'it is empty';
  return /^\s*<(?:!doctype|html)/i.test(text) ? 'it is a web page: download the raw file' : undefined;
}

const cutOff = (text: string) =>
  `it ends after ${text.length} characters in the middle: a download that was cut off? Fetch it again`;

/** A JSON data file. @throws ConfigError for a file that is cut off or no JSON */
export function readDataJson(file: string): JsonValue {
  const text = readDataText(file);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    const isCut = /^\s*[[{]/.test(text) && !/[\]}]\s*$/.test(text);
    const guess = pretender(text, true) ?? (isCut ? cutOff(text) : (cause as Error).message);
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

/**
 * The rows of a JSON-lines file with their line numbers, in order; a row that is no JSON object is a problem of the list.
 * @param isPublished a file of known content: without the end of its last line it was cut off, and is not read
 * @throws ConfigError
 */
export function* readDataLines(
  file: string,
  list: RecordList,
  { isPublished = false }: { isPublished?: boolean } = {},
): Generator<{ line: number; row: Row }> {
  const text = readDataText(file);
  const lines = text.split('\n');
  if (isPublished && isTorn(lines)) throw new ConfigError(`${file}: ${cutOff(text)}`, { file });
  let rows = 0;
  let firstProblem: string | undefined;
  for (const [index, content] of lines.entries()) {
    if (content.trim() === '') continue;
    const line = index + 1;
    let row: Row | undefined;
    list.attempt(file, line, () => (row = parseRow(content)));
    if (row === undefined) {
      firstProblem ??= `line ${line}: ${list.problems.at(-1)!.message}`;
      continue;
    }
    rows++;
    yield { line, row };
  }
  if (rows === 0) {
    const why = pretender(text, isPublished) ?? wholeJson(text) ?? firstProblem ?? 'it is empty';
    throw new ConfigError(`${file}: holds no record (${why})`, { file });
  }
}

/** Whether the last line is the beginning of a row. */
function isTorn(lines: readonly string[]): boolean {
  const last = lines.findLast((line) => line.trim() !== '');
  if (last === undefined) return false;
  try {
    JSON.parse(last);
    return false;
  } catch {
    return lines.at(-1) === last;
  }
}

/** What a text is whose lines are no objects, but which is JSON as a whole. */
function wholeJson(text: string): string | undefined {
  try {
    const what = Array.isArray(JSON.parse(text)) ? 'one list' : 'one object over several lines';
    return `it is ${what}: write one JSON object per line`;
  } catch {
    return undefined;
  }
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

/** An id: a text, or a number as text. */
export function idOf(value: JsonValue | undefined): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw new FieldProblem('id', 'must be a text or a number');
  return textOf(value, 'id');
}

/** `7` → `007`: ids of records. */
export const padded = (index: number, width: number): string => String(index).padStart(width, '0');
