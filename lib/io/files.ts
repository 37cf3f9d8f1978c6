import * as fs from 'node:fs';
import { copyFile, open, rename, rm } from 'node:fs/promises';
import * as path from 'node:path';

import { IoError, ToolR0Error } from '../binding/errors';

const CURES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, then go on with --resume, or choose another --out',
  EDQUOT: 'the disk quota is used up: free some space, then go on with --resume, or choose another --out',
  EROFS: 'the file system is read-only: choose another --out',
  EACCES: 'no permission: choose another --out or change its rights',
  EPERM: 'no permission: choose another --out or change its rights',
  ENOTDIR: 'a part of the path is a file: choose another --out',
  ENOENT: 'it, or the folder it is to lie in, is not there',
  EISDIR: 'it is a folder',
  EEXIST: 'something else of that name is there',
};

/** A file-system failure as an IoError that names the path and the cure; an error of ours passes through. */
export function ioError(file: string, action: string, cause: unknown): ToolR0Error {
  if (cause instanceof ToolR0Error) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const cure = code === undefined ? undefined : CURES[code];
  return new IoError(`${file}: cannot be ${action} (${cure ?? message})`, { file, code }, { cause });
}

/**
 * As `mkdir -p`. Node 20's own recursive form never returns where a file system refuses to make a folder in one that is there (/proc).
 * @returns the topmost folder that was made
 * @throws the error of the file system
 */
export function makeFolders(dir: string): string | undefined {
  const missing: string[] = [];
  let nearest = path.resolve(dir);
  for (; !fs.existsSync(nearest); nearest = path.dirname(nearest)) missing.unshift(nearest);
  // What is there must be a folder: mkdir says what it is instead.
  if (missing.length === 0 && !fs.statSync(nearest).isDirectory()) fs.mkdirSync(nearest);
  for (const folder of missing) {
    try {
      fs.mkdirSync(folder);
    } catch (cause) {
      // Another process may have made it meanwhile.
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || !fs.statSync(folder).isDirectory())
        throw cause;
    }
  }
  return missing[0];
}

/** Flushes a file, or a folder's entries, so that a rename survives a power cut. */
export async function flush(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes a folder with all that is in it. */
export async function flushTree(dir: string): Promise<void> {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    await (entry.isDirectory() ? flushTree(file) : flush(file));
  }
  await flush(dir);
}

/** The same files under another name, without copying where the file system allows it. */
export async function linkTree(from: string, to: string): Promise<void> {
  if (fs.statSync(from).isDirectory()) {
    fs.mkdirSync(to);
    for (const name of fs.readdirSync(from)) await linkTree(path.join(from, name), path.join(to, name));
    return;
  }
  try {
    fs.linkSync(from, to);
  } catch {
    await copyFile(from, to);
  }
}

/** Pieces of text, one after another; a large text in pieces does not hold up the event loop. */
export type Pieces = Iterable<string>;

/** Writes under a temporary name beside `file`, flushes, renames. @throws IoError; no partial file stays */
export async function writeAtomic(file: string, pieces: Pieces): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      for (const piece of pieces) await handle.write(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await flush(path.dirname(file));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw ioError(file, 'written', cause);
  }
}

const ROWS_PER_PIECE = 200;

/** One JSON object per line. */
export function* jsonLines(rows: readonly unknown[]): Pieces {
  for (let from = 0; from < rows.length; from += ROWS_PER_PIECE) {
    const piece = rows.slice(from, from + ROWS_PER_PIECE);
    yield piece.map((row) => `${JSON.stringify(row)}\n`).join('');
  }
}
