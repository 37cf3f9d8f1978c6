import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import type { TaskResult } from '../answer';
import { evaluate, type EvaluateOptions, type EvaluationPolicy } from '../evaluate';
import type { Benchmark } from '../load-benchmark';
import type { NeutralRecord } from '../neutral-record';
import type { EvaluatedSet } from './report';
import type { ResultsFolder } from './results-folder';
import { watchedPolicy, type WaitingProgress } from './watched-policy';

export interface SessionProgress {
  set: string;
  seed: number;
  done: number;
  total: number;
  /** Of `done`, those that were not asked: prompt and answer do not fit the context. */
  tooLong: number;
  accuracy: number | null;
}

export interface SessionOptions extends Omit<EvaluateOptions, 'seed' | 'done'> {
  /** The exam is put once per seed. */
  seeds: readonly number[];
  /** Tasks per set, spread evenly over it; all if absent. */
  limit?: number;
  /** Where results are kept, and found again after a kill. */
  folder?: ResultsFolder;
  onProgress?: (progress: SessionProgress) => void;
  /** Told at growing intervals while a batch takes long. */
  onWaiting?: (progress: WaitingProgress & Pick<SessionProgress, 'set' | 'seed'>) => void;
}

export interface SessionResult {
  sets: EvaluatedSet[];
  generatedTokens: number;
  seconds: number;
}

/** Answers generated together where nothing else is said, as in evaluate. */
export const DEFAULT_BATCH = 256;

/** `limit` records spread evenly, so that every part of a set is in. */
export function limitRecords(records: readonly NeutralRecord[], limit = records.length): NeutralRecord[] {
  const count = Math.min(limit, records.length);
  return Array.from({ length: count }, (_, index) => records[Math.floor((index * records.length) / count)]!);
}

/** Puts several exams to a model, one after the other, under each seed. @throws as evaluate; IoError */
export async function runSession(
  policy: EvaluationPolicy,
  benchmarks: readonly Benchmark[],
  options: SessionOptions,
): Promise<SessionResult> {
  const { seeds, limit, folder, onProgress, onWaiting, ...evaluation } = options;
  const session: SessionResult = { sets: [], generatedTokens: 0, seconds: 0 };
  for (const benchmark of benchmarks) {
    const records = limitRecords(benchmark.records, limit);
    const runs: TaskResult[][] = [];
    const tooLong = new Set<string>();
    for (const seed of seeds) {
      const earlier = folder?.resume(benchmark.name, seed) ?? { results: [], tooLong: [] };
      const asked = new Set(records.map(({ id }) => id));
      const results = new Map(earlier.results.filter(({ id }) => asked.has(id)).map((row) => [row.id, row]));
      const unasked = earlier.tooLong.filter((id) => asked.has(id));
      const done = new Set([...results.keys(), ...earlier.tooLong]);
      const place = { set: benchmark.name, seed };
      const watched = watchedPolicy(policy, {
        most: evaluation.batch ?? DEFAULT_BATCH,
        ...(onWaiting ? { onWaiting: (waiting) => onWaiting({ ...waiting, ...place }) } : {}),
      });
      for await (const update of evaluate(watched, records, { ...evaluation, seed, done })) {
        await folder?.append(benchmark.name, seed, update);
        update.results.forEach((result) => results.set(result.id, result));
        unasked.push(...update.tooLong);
        session.generatedTokens += update.generatedTokens;
        session.seconds += update.seconds;
        onProgress?.({ ...update, ...place, tooLong: unasked.length });
      }
      unasked.forEach((id) => tooLong.add(id));
      // In the order of the exam, also where an earlier evaluation had answered a part.
      runs.push(records.flatMap(({ id }) => results.get(id) ?? []));
    }
    session.sets.push({ benchmark, records, runs, tooLong: tooLong.size });
  }
  return session;
}

/** Tells whether a model folder still holds what it held: names, sizes and times of its weights, and its configuration. */
export function modelFingerprint(dir: string): string {
  const hash = crypto.createHash('sha256');
  for (const name of fs.readdirSync(dir).sort()) {
    if (!/\.(?:safetensors|json|jinja)$/.test(name)) continue;
    const file = path.join(dir, name);
    const { size, mtimeMs } = fs.statSync(file);
    hash.update(name.endsWith('.safetensors') ? `${name} ${size} ${mtimeMs}\n` : fs.readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}
