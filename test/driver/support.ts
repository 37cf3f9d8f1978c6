import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import type { TrainConfig } from '../../lib/config';
import type { RunEvent, RunResult } from '../../lib/driver/events';
import { startRun, type TrainOptions } from '../../lib/driver/train';
import type { Task } from '../../lib/tasks/task';
import { FakeEngine, heldOutTask } from './fakes';

/** A temporary folder with a base model, held-out tasks and room for runs. */
export class Bench {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-driver-'));
  readonly model = this.makeModel();
  readonly heldOut: Task[] = Array.from({ length: 20 }, (_, index) => heldOutTask(index));
  readonly evalData = this.write(
    'held-out.jsonl',
    this.heldOut.map((task) => JSON.stringify(task)).join('\n'),
  );

  path(...parts: string[]): string {
    return path.join(this.dir, ...parts);
  }

  private makeModel(): string {
    fs.mkdirSync(this.path('base'));
    this.write('base/config.json', '{}');
    return this.path('base');
  }

  make(name: string): string {
    fs.mkdirSync(this.path(name), { recursive: true });
    return this.path(name);
  }

  write(name: string, text: string): string {
    fs.writeFileSync(this.path(name), text);
    return this.path(name);
  }

  config(over: TrainConfig = {}): TrainConfig {
    return {
      preset: 'tiny',
      model: this.model,
      evalData: this.evalData,
      out: this.path('run'),
      iterations: 2,
      spec: {
        domains: { travel: 1 },
        contextTypes: { single_turn: 1, multi_turn: 0 },
        callsSingleTurn: { 1: 1 },
        menuOneCall: { 2: 1 },
      },
      generator: { steps: 2, promptsPerStep: 2, numGenerations: 2 },
      synthesis: { candidates: 30, batchSize: 10 },
      solver: { steps: 3, promptsPerStep: 4, numGenerations: 2 },
      curation: { verify: { batchSize: 10 } },
      evaluation: { samples: 2, bootstrap: 100 },
      ...over,
    };
  }

  /** A run on the tasks of a file without a Generator; `rows` are its lines. */
  onTasks(rows: readonly unknown[], over: TrainConfig = {}): TrainConfig {
    const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
    return {
      preset: 'tiny',
      model: this.model,
      evalData: this.evalData,
      tasks: this.write('tasks.jsonl', lines.join('\n')),
      out: this.path('run'),
      iterations: 2,
      solver: { steps: 3, promptsPerStep: 4, numGenerations: 2 },
      evaluation: { samples: 2, bootstrap: 100 },
      ...over,
    };
  }

  async run(
    config: TrainConfig,
    options: TrainOptions = {},
    engine = new FakeEngine(),
  ): Promise<{ events: RunEvent[]; result: RunResult; engine: FakeEngine }> {
    const run = startRun(config, options, { engine, embeddedModel: () => this.model, version: '0.0.0' });
    const events: RunEvent[] = [];
    for await (const event of run) events.push(event);
    return { events, result: await run.result, engine };
  }

  rows<T = Record<string, unknown>>(...parts: string[]): T[] {
    const text = fs.readFileSync(this.path(...parts), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  }

  read(...parts: string[]): string {
    return fs.readFileSync(this.path(...parts), 'utf8');
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
