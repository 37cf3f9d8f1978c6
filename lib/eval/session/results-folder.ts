import * as fs from 'node:fs';
import { open, rm } from 'node:fs/promises';
import * as path from 'node:path';

import { CheckpointError, ConfigError, IoError } from '../../binding/errors';
import { ioError, jsonLines, makeFolders, writeAtomic } from '../../io/files';
import type { TaskResult } from '../answer';
import { isObject } from '../record-reader';

export const SETTINGS_FILE = 'settings.json';
export const SUMMARY_FILE = 'summary.json';

/** What one file of results holds. */
export interface StoredRun {
  results: TaskResult[];
  tooLong: string[];
}

/** Everything that decides the answers, as plain JSON. */
export type Settings = Readonly<Record<string, unknown>>;

/**
 * Results of an evaluation on disk: `settings.json`, and per set and seed a file of JSON lines to which every batch is appended in one write. An
 * evaluation that was killed goes on after the last whole line.
 */
export class ResultsFolder {
  private constructor(readonly dir: string) {}

  /**
   * Makes a folder, or goes on with one of the same settings. `settings.data`, fingerprints by set (data-fingerprint.ts), may gain sets.
   * @throws CheckpointError when it holds an evaluation with other settings; ConfigError when it is of other data; IoError
   */
  static async open(dir: string, settings: Settings): Promise<ResultsFolder> {
    const file = path.join(dir, SETTINGS_FILE);
    if (fs.statSync(dir, { throwIfNoEntry: false })?.isDirectory() === false)
      throw new IoError(`${dir}: is a file, where a folder for the answers is needed: choose another`, {
        dir,
      });
    try {
      makeFolders(dir);
    } catch (cause) {
      throw ioError(dir, 'made', cause);
    }
    const folder = new ResultsFolder(dir);
    const stored = fs.existsSync(file) ? readJsonFile(file) : undefined;
    if (stored) folder.checkSame(stored, settings);
    const data = { ...dataOf(stored ?? {}), ...dataOf(settings) };
    const kept = { ...settings, ...(Object.keys(data).length > 0 ? { data } : {}) };
    if (JSON.stringify(kept) !== JSON.stringify(stored)) {
      await writeAtomic(file, [`${JSON.stringify(kept, null, 2)}\n`]);
    }
    return folder;
  }

  /**
   * As `open`, but what an earlier evaluation left there is removed, unless `keep` holds and it had the same settings and data.
   * @throws IoError
   */
  static async renew(dir: string, settings: Settings, keep: boolean): Promise<ResultsFolder> {
    if (keep) {
      try {
        return await ResultsFolder.open(dir, settings);
      } catch (error) {
        if (!(error instanceof CheckpointError || error instanceof ConfigError)) throw error;
      }
    }
    await rm(dir, { recursive: true, force: true });
    return ResultsFolder.open(dir, settings);
  }

  /** A folder of an earlier evaluation, to be read. @throws CheckpointError */
  static existing(dir: string): ResultsFolder {
    if (fs.existsSync(path.join(dir, SETTINGS_FILE))) return new ResultsFolder(dir);
    throw new CheckpointError(
      `${dir}: holds no evaluation (no ${SETTINGS_FILE}); make one with eval --out ${dir}`,
      { dir },
    );
  }

  settings(): Settings {
    return readJsonFile(path.join(this.dir, SETTINGS_FILE));
  }

  /** Sets with results, with their seeds. */
  runs(): { set: string; seed: number }[] {
    return fs.readdirSync(this.dir).flatMap((name) => {
      const match = /^(.+)\.seed-(\d+)\.jsonl$/.exec(name);
      return match ? [{ set: match[1]!, seed: Number(match[2]) }] : [];
    });
  }

  /** As `read`, and cuts off a torn last line, so that more can be appended. @throws CheckpointError */
  resume(set: string, seed: number): StoredRun {
    const file = this.file(set, seed);
    if (fs.existsSync(file)) {
      const text = fs.readFileSync(file, 'utf8');
      const whole = wholeLines(text);
      if (whole.length < text.length) fs.truncateSync(file, Buffer.byteLength(whole));
    }
    return this.read(set, seed);
  }

  /** What is there of a set, without a torn last line; nothing if it was not begun. @throws CheckpointError */
  read(set: string, seed: number): StoredRun {
    const file = this.file(set, seed);
    if (!fs.existsSync(file)) return { results: [], tooLong: [] };
    const whole = wholeLines(fs.readFileSync(file, 'utf8'));
    // A batch that was cut off in the middle is answered again: its later lines count.
    const rows = new Map<string, TaskResult | null>();
    whole.split('\n').forEach((line, index) => {
      if (line === '') return;
      const row = parseRow(line, file, index + 1);
      rows.delete(row.id);
      rows.set(row.id, 'answers' in row ? row : null);
    });
    const results = [...rows.values()].filter((row) => row !== null);
    return { results, tooLong: [...rows].flatMap(([id, row]) => (row === null ? [id] : [])) };
  }

  /** Appends a batch and flushes it. @throws IoError */
  async append(set: string, seed: number, { results, tooLong }: StoredRun): Promise<void> {
    const file = this.file(set, seed);
    try {
      const handle = await open(file, 'a');
      try {
        const rows = [...results, ...tooLong.map((id) => ({ id, tooLong: true }))];
        await handle.write([...jsonLines(rows)].join(''));
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (cause) {
      throw ioError(file, 'written', cause);
    }
  }

  /** @throws IoError */
  async write(name: string, text: string): Promise<void> {
    await writeAtomic(path.join(this.dir, name), [text]);
  }

  private checkSame(stored: Settings, asked: Settings): void {
    const { dir } = this;
    const before = dataOf(stored);
    const begun = new Set(this.runs().map(({ set }) => set));
    for (const [set, hash] of Object.entries(dataOf(asked))) {
      // Answers without a fingerprint could be to any records.
      if (before[set] === hash || (before[set] === undefined && !begun.has(set))) continue;
      throw new ConfigError(
        `--out ${dir}: its answers to '${set}' were given to other data than these: choose another --out, or delete ${dir}`,
        { dir, set },
      );
    }
    const names = new Set([...Object.keys(stored), ...Object.keys(asked)]);
    names.delete('data');
    const different = [...names].filter(
      (name) => JSON.stringify(stored[name]) !== JSON.stringify(asked[name]),
    );
    if (different.length === 0) return;
    if (different.join() === 'predictionsHash') {
      throw new ConfigError(
        `--out ${dir}: ${String(asked['predictions'])} has changed since its scores were written there: choose another --out, or delete ${dir}`,
        { dir },
      );
    }
    const changes = different.map(
      (name) => `${name} was ${JSON.stringify(stored[name])}, is ${JSON.stringify(asked[name])}`,
    );
    throw new CheckpointError(
      `${dir}: holds an evaluation with other settings (${changes.join('; ')}). Choose another --out`,
      { dir, different },
    );
  }

  private file(set: string, seed: number): string {
    return path.join(this.dir, `${set}.seed-${seed}.jsonl`);
  }
}

function readJsonFile(file: string): Settings {
  try {
    const value: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (isObject(value)) return value;
  } catch (cause) {
    throw new CheckpointError(`${file}: cannot be read (${(cause as Error).message})`, { file }, { cause });
  }
  throw new CheckpointError(`${file}: must hold an object`, { file });
}

function parseRow(line: string, file: string, number: number): TaskResult | { id: string; tooLong: true } {
  try {
    const row: unknown = JSON.parse(line);
    if (
      isObject(row) &&
      typeof row['id'] === 'string' &&
      (Array.isArray(row['answers']) || row['tooLong'] === true)
    )
      return row as unknown as TaskResult;
  } catch {
    // Told below, as a line of another kind is.
  }
  throw new CheckpointError(`${file}, line ${number}: is no result of an evaluation`, { file, line: number });
}

const wholeLines = (text: string) => text.slice(0, text.lastIndexOf('\n') + 1);

const dataOf = (settings: Settings): Readonly<Record<string, unknown>> =>
  isObject(settings['data']) ? settings['data'] : {};
