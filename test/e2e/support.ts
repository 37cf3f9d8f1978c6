import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import type { EventOf, RunEvent } from '../../lib/driver/events';
import { isReady } from '../../lib/setup';

const launcher = path.join(__dirname, '../../bin/tool-r0-native.js');
const env = { ...process.env, CI: '1' };

/** `describe`, skipped with a printed reason where the addon is not set up. */
export function withAddon(title: string, tests: () => void): void {
  const ready = isReady();
  if (!ready) console.log('skipped: the addon is not set up (tool-r0-native setup)');
  (ready ? describe : describe.skip)(title, tests);
}

/** A temporary folder, removed after the tests of a file, in which commands run as a user runs them. */
export class Workplace {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-e2e-'));

  constructor() {
    afterAll(() => fs.rmSync(this.folder, { recursive: true }));
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  exists(...parts: string[]): boolean {
    return fs.existsSync(this.path(...parts));
  }

  read(...parts: string[]): string {
    return fs.readFileSync(this.path(...parts), 'utf8');
  }

  /** Rows become lines, texts as they are and values as JSON. @returns `name` */
  write(name: string, rows: readonly unknown[]): string {
    fs.mkdirSync(path.dirname(this.path(name)), { recursive: true });
    const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
    fs.writeFileSync(this.path(name), lines.join('\n'));
    return name;
  }

  cli(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const options = { cwd: this.folder, encoding: 'utf8', env } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], options);
    return { status, stdout, stderr };
  }

  /** The same, of a command that must succeed. @returns its stdout */
  succeed(...args: string[]): string {
    const { status, stdout, stderr } = this.cli(...args);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  }

  /** The same without waiting for its end. */
  start(...args: string[]): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, [launcher, ...args], { cwd: this.folder, env });
  }
}

/** The events in the output of `train --json`, of one type if one is named. */
export function eventsOf(stdout: string): RunEvent[];
export function eventsOf<T extends RunEvent['type']>(stdout: string, type: T): EventOf<T>[];
export function eventsOf(stdout: string, type?: RunEvent['type']): RunEvent[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as RunEvent)
    .filter((event) => type === undefined || event.type === type);
}

/** `{a: 1}` → `--set a=1`. */
export const settings = (values: Readonly<Record<string, number>>): string[] =>
  Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
