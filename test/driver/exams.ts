import * as fs from 'node:fs';

import type { TrainConfig } from '../../lib/config';
import type { EventOf, RunEvent, RunResult } from '../../lib/driver/events';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { heldOutTask } from './fakes';
import type { Bench } from './support';

export const of = <T extends RunEvent['type']>(events: RunEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);

/** Exams of different sizes, so that a call of the engine tells which is asked. */
export const SIZES = { first: 7, second: 9 };
export const record = (name: string, index: number): NeutralRecord => {
  const { question, tools, gold } = heldOutTask(1000 * name.length + index);
  return { id: `${name}-${index}`, question, tools, gold };
};

export function exam(
  bench: Bench,
  name: keyof typeof SIZES,
  change: (record: NeutralRecord) => NeutralRecord = (same) => same,
) {
  const records = Array.from({ length: SIZES[name] }, (_, index) => change(record(name, index)));
  return bench.write(`${name}.jsonl`, records.map((row) => JSON.stringify(row)).join('\n'));
}

export const exams = (bench: Bench) => [exam(bench, 'first'), exam(bench, 'second')];

export const measuring = (bench: Bench, out: string, over: TrainConfig = {}): TrainConfig =>
  bench.config({ out: bench.path(out), evalEvery: 2, evalBenchmarks: exams(bench), ...over });

export const moments = (rows: RunResult['measurements'] | RunResult['benchmarks']) =>
  rows.map(({ iteration, step }) => (step === undefined ? `${iteration}` : `${iteration}.${step}`));

/** What a run has learnt and measured, without times and places. */
export function outcome(bench: Bench, out: string) {
  const { measurements, benchmarks } = JSON.parse(bench.read(out, 'results.json')) as RunResult;
  const plain = (rows: readonly object[]) =>
    rows.map((row) => ({ ...row, seconds: null, time: null, directory: null }));
  const recorded = bench
    .rows<RunEvent>(out, 'events.jsonl')
    .filter(({ type }) => type === 'eval' || type === 'benchmark');
  return {
    solver: bench.read(out, 'solver', 'model.safetensors'),
    measurements: plain(measurements),
    benchmarks: plain(benchmarks),
    recorded: plain(recorded),
    learning: bench.rows(out, 'metrics.jsonl').filter((row) => 'eval/accuracy' in row),
    answers: Object.fromEntries(
      fs
        .readdirSync(bench.path(out, 'evaluations'))
        .map((at) => [at, bench.rows(out, 'evaluations', at, 'second.seed-0.jsonl')]),
    ),
  };
}
