import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError } from '../binding/errors';
import type { RunEvent } from './events';
import { ioError, jsonLines, makeFolders, writeAtomic, type Pieces } from '../io/files';
import { linesOf } from '../io/lines';

/** Byte lengths of the append-only files at a checkpoint: what lies behind was written by work that will be done again. */
export type LogLengths = Record<string, number>;

/** `20260220-093000` in local time. */
export function timeStamp(date = new Date()): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

export const isRunFolder = (dir: string): boolean => fs.existsSync(path.join(dir, 'config.resolved.yaml'));

/** First of `dir`, `dir-2`, `dir-3` … that does not exist. */
export function freeSibling(dir: string): string {
  const taken = (candidate: string) => fs.existsSync(candidate) && fs.readdirSync(candidate).length > 0;
  let candidate = dir;
  for (let number = 2; taken(candidate); number++) candidate = `${dir}-${number}`;
  return candidate;
}

/** Removes a folder, and those above it that were made for it, as long as nothing else is in them. */
function removeFolder(dir: string, topmost: string): void {
  fs.rmSync(dir, { recursive: true, force: true });
  for (
    let parent = path.dirname(path.resolve(dir));
    parent.startsWith(path.resolve(topmost));
    parent = path.dirname(parent)
  ) {
    if (fs.readdirSync(parent).length > 0) return;
    fs.rmdirSync(parent);
  }
}

/** The folder of one run: the only place that knows what lies where. Only the driver writes to it. */
export class RunFolder {
  private constructor(
    readonly dir: string,
    /** Topmost folder we made for it; removed again when the run cannot start. */
    private made: string | undefined,
  ) {}

  /**
   * Makes the folder; an empty one may exist.
   * @throws ConfigError when it holds something, IoError when it cannot be made or written to
   */
  static create(dir: string): RunFolder {
    const existed = fs.existsSync(dir);
    if (existed && !fs.statSync(dir).isDirectory())
      throw new ConfigError(`--out ${dir}: is a file`, { out: dir });
    if (existed && fs.readdirSync(dir).length > 0) {
      const cure = isRunFolder(dir)
        ? '--if-exists resume goes on with it, --if-exists new makes a sibling'
        : '--if-exists new makes a sibling';
      throw new ConfigError(`--out ${dir}: exists and is not empty. ${cure}; or choose another folder`, {
        out: dir,
      });
    }
    let made: string | undefined;
    try {
      made = makeFolders(dir);
      // Rights alone do not tell (root, read-only mounts): try it.
      fs.writeFileSync(path.join(dir, '.probe'), '');
      fs.rmSync(path.join(dir, '.probe'));
    } catch (cause) {
      if (made !== undefined) removeFolder(dir, made);
      throw ioError(dir, 'used as run folder', cause);
    }
    return new RunFolder(dir, made);
  }

  /** @throws ConfigError when there is no run in it */
  static open(dir: string): RunFolder {
    if (!isRunFolder(dir)) {
      throw new ConfigError(`--resume ${dir}: no run in it (config.resolved.yaml is missing)`, {
        resume: dir,
      });
    }
    return new RunFolder(dir, undefined);
  }

  /** From now on the folder stays, whatever happens. */
  keep(): void {
    this.made = undefined;
  }

  /** Removes the folder if this run made it and has nothing to show. */
  discard(): void {
    if (this.made !== undefined) removeFolder(this.dir, this.made);
  }

  path(...parts: string[]): string {
    return path.join(this.dir, ...parts);
  }

  exists(...parts: string[]): boolean {
    return fs.existsSync(this.path(...parts));
  }

  /** A folder below the run folder, made when needed. */
  folder(...parts: string[]): string {
    const dir = this.path(...parts);
    try {
      fs.mkdirSync(dir, { recursive: true });
    } catch (cause) {
      throw ioError(dir, 'created', cause);
    }
    return dir;
  }

  async write(relative: string, pieces: Pieces): Promise<void> {
    this.folder(path.dirname(relative));
    await writeAtomic(this.path(relative), pieces);
  }

  writeRows(relative: string, rows: readonly unknown[]): Promise<void> {
    return this.write(relative, jsonLines(rows));
  }

  readRows<T>(relative: string): T[] {
    const lines = fs.readFileSync(this.path(relative), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  }

  /** The same for files of any size: the event loop turns in between. */
  async readRowsYielding<T>(relative: string): Promise<T[]> {
    const rows: T[] = [];
    try {
      for await (const line of linesOf(this.path(relative)))
        if (line !== '') rows.push(JSON.parse(line) as T);
    } catch (cause) {
      throw ioError(this.path(relative), 'read', cause);
    }
    return rows;
  }

  append(relative: string, row: unknown): void {
    try {
      fs.mkdirSync(path.dirname(this.path(relative)), { recursive: true });
      fs.appendFileSync(this.path(relative), `${JSON.stringify(row)}\n`);
    } catch (cause) {
      throw ioError(this.path(relative), 'written', cause);
    }
  }

  /** Progress is for the eye; everything else is recorded. */
  record(event: RunEvent): void {
    if (event.type === 'progress') return;
    this.append('events.jsonl', { time: new Date().toISOString(), ...event });
    if (event.type === 'step') {
      const { iteration, role, step, globalStep, metrics, histogram } = event;
      this.append('metrics.jsonl', {
        step: globalStep,
        iteration,
        role,
        roleStep: step,
        ...metrics,
        ...(histogram ? { histogram } : {}),
      });
    }
  }

  private appended(): string[] {
    const samples = this.exists('samples')
      ? fs.readdirSync(this.path('samples')).map((name) => `samples/${name}`)
      : [];
    return ['events.jsonl', 'metrics.jsonl', ...samples].filter((name) => this.exists(name));
  }

  logLengths(): LogLengths {
    return Object.fromEntries(this.appended().map((name) => [name, fs.statSync(this.path(name)).size]));
  }

  /** Cuts the append-only files back to a checkpoint, so that work done twice is recorded once. */
  restoreLogs(lengths: LogLengths): void {
    for (const name of this.appended()) {
      const length = lengths[name];
      if (length === undefined) fs.rmSync(this.path(name));
      else if (fs.statSync(this.path(name)).size > length) fs.truncateSync(this.path(name), length);
    }
  }
}
