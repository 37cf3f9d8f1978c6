import * as fs from 'node:fs';
import * as path from 'node:path';

import { IoError } from '../binding/errors';

const CURES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, then go on with --resume, or choose another --out',
  EDQUOT: 'the disk quota is used up: free some space, then go on with --resume, or choose another --out',
  EROFS: 'the file system is read-only: choose another --out',
  EACCES: 'no permission: choose another --out or change its rights',
  EPERM: 'no permission: choose another --out or change its rights',
  ENOTDIR: 'a part of the path is a file: choose another --out',
};

/** A file-system failure as an IoError that names the path and the cure. */
export function ioError(file: string, action: string, cause: unknown): IoError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const cure = code === undefined ? undefined : CURES[code];
  return new IoError(`${file}: cannot be ${action} (${cure ?? message})`, { file, code }, { cause });
}

/** Flushes a folder's entries, so that a rename in it survives a power cut. */
export function flushFolder(dir: string): void {
  const handle = fs.openSync(dir, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Writes under a temporary name beside `file`, flushes, renames. @throws IoError; no partial file stays */
export function writeAtomic(file: string, text: string): void {
  const temporary = `${file}.tmp`;
  try {
    const handle = fs.openSync(temporary, 'w');
    try {
      fs.writeFileSync(handle, text);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, file);
    flushFolder(path.dirname(file));
  } catch (cause) {
    fs.rmSync(temporary, { force: true });
    throw ioError(file, 'written', cause);
  }
}

export const jsonLines = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Bytes of all files below `dir`. */
export function folderBytes(dir: string): number {
  if (!fs.existsSync(dir)) return 0;
  return fs
    .readdirSync(dir, { withFileTypes: true })
    .map((entry) => path.join(dir, entry.name))
    .reduce(
      (sum, file) => sum + (fs.statSync(file).isDirectory() ? folderBytes(file) : fs.statSync(file).size),
      0,
    );
}
