import { spawn, type ChildProcess } from 'node:child_process';
import * as readline from 'node:readline';

import { RunError } from '../binding/errors';
import type { Mismatch, Repetition } from './types';

/** How a measured process is started. */
export interface Command {
  program: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
}

/** The package's own setting for OpenMP's threads is put into this process's environment when the addon loads; what the user had set is here. */
const userSpinCount = process.env['GOMP_SPINCOUNT'];

/** The user's own environment, without what loading the addon added: a peer runs as it would by itself. */
export function userEnvironment(
  environment: NodeJS.ProcessEnv = process.env,
  spinCount: string | null = userSpinCount ?? null,
): NodeJS.ProcessEnv {
  const { GOMP_SPINCOUNT: _, ...rest } = environment;
  return spinCount === null ? rest : { ...rest, GOMP_SPINCOUNT: spinCount };
}

/** A measured process could not do its work; the message is its own. */
export class SideError extends RunError {}

export interface Ready {
  version: string;
  baseResidentBytes: number | null;
  stateBytes?: number | null;
}

export interface Reply extends Repetition {
  trainFlops?: number;
  mismatch?: Mismatch;
  checked?: { sequence: number[]; promptTokens: number; logprobs: number[] };
}

/** The last line of what a process printed that says something. */
const lastLine = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1);

/** A process that keeps its model loaded and answers one JSON line per request line. */
export class Side {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private errors = '';
  private failure: Error | undefined;

  constructor({ program, args, env }: Command, verbose = false) {
    this.child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...userEnvironment(), ...env },
    });
    this.child.on('error', (error) => (this.failure = error));
    this.child.stdin!.on('error', () => undefined); // it ended; the reply that does not come says so
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors = (this.errors + text).slice(-4000);
      if (verbose) process.stderr.write(text);
    });
    this.lines = readline.createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** @throws SideError with the process's own reason */
  async ask<T>(request: object): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    return this.reply<T>();
  }

  /** The next line it prints. */
  async reply<T>(): Promise<T> {
    const next = await this.lines.next();
    if (next.done) {
      await this.ended();
      throw new SideError(
        this.failure?.message ??
          lastLine(this.errors) ??
          `it ended (${this.child.exitCode ?? this.child.signalCode})`,
      );
    }
    const fields = JSON.parse(next.value) as T & { error?: string };
    if (fields.error !== undefined) throw new SideError(fields.error);
    return fields;
  }

  /** Lets it end, and ends it when it does not. */
  async stop(): Promise<void> {
    this.child.stdin!.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.ended();
    clearTimeout(timer);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async ended(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.failure) return;
    await new Promise((resolve) => {
      this.child.once('exit', resolve);
      this.child.once('error', resolve);
    });
  }
}
