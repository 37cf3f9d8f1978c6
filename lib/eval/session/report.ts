import { Random } from '../../tasks/random';
import type { Interval } from '../accuracy';
import type { Benchmark } from '../load-benchmark';
import { hasUnknownTool, type RecordCounts, type RecordProblem } from '../neutral-record';
import { PAPER_COLUMNS, type PublishedModel } from '../published-results';
import { headlineInterval, stratifiedMean, type Stratum } from '../statistics';
import { strataOf, summarize, type SetSummary } from '../summary';
import { shareOf, type TaskResult } from '../answer';
import type { Settings } from './results-folder';

/** All there is to say about a set. */
export interface SetReport extends SetSummary {
  title: string;
  layout: string;
  /** What the data hold, before --limit. */
  counts: RecordCounts;
  /** Malformed records, left out. */
  malformed: RecordProblem[];
  /** Records left out on purpose, by reason. */
  dropped: Record<string, number>;
  /** Records that call a function which they do not offer. */
  recordsWithUnknownTool: number;
  /** Tasks asked whose right answer is no call: silence is right there. */
  noCallTasks: number;
  /** Records that the predictions do not answer: counted as wrong. */
  withoutPrediction?: number;
  /** Predictions whose calls cannot be read, counted as wrong, and the line of the first. */
  unreadablePredictions?: { count: number; firstLine: number };
  notes: string[];
}

export interface EvaluationReport {
  /** Model folder or file of predictions. */
  subject: string;
  settings: Settings;
  sets: Record<string, SetReport>;
  /** Sets that were asked for and are not there, with where to get them. */
  missing: Record<string, string>;
  /** Mean over the paper's five; null unless all five were evaluated. */
  mean: { accuracy: number; interval: Interval } | null;
  published: PublishedModel | null;
  /** Malformed lines of a file of predictions. */
  malformedPredictions?: RecordProblem[];
  /** Ids of a file of predictions that belong to none of the sets. */
  unknownPredictions?: number;
  speed: { generatedTokens: number; seconds: number; tokensPerSecond: number } | null;
}

/** A set with the answers to it. */
export interface EvaluatedSet {
  benchmark: Benchmark;
  /** The records that were asked. */
  records: Benchmark['records'];
  /** One entry per seed. */
  runs: TaskResult[][];
  tooLong: number;
  withoutPrediction?: number;
}

export function reportSet(set: EvaluatedSet, passAt: readonly number[], seed: number): SetReport {
  const { benchmark, records, runs, tooLong, withoutPrediction } = set;
  return {
    // The headline comes first in the JSON.
    ...summarize({ records, runs, tooLong, passAt, seed }),
    title: benchmark.title,
    layout: benchmark.layout,
    counts: benchmark.counts,
    malformed: benchmark.problems,
    dropped: benchmark.dropped,
    recordsWithUnknownTool: benchmark.records.filter(hasUnknownTool).length,
    noCallTasks: noCallTasks(set),
    ...(withoutPrediction === undefined ? {} : { withoutPrediction }),
    ...unreadableOf(runs),
    notes: benchmark.notes,
  };
}

function unreadableOf(runs: EvaluatedSet['runs']): Pick<SetReport, 'unreadablePredictions'> {
  const lines = runs.flat().flatMap(({ answers }) => answers.flatMap(({ unreadable }) => unreadable ?? []));
  return lines.length === 0
    ? {}
    : { unreadablePredictions: { count: lines.length, firstLine: Math.min(...lines) } };
}

function noCallTasks({ records, runs }: EvaluatedSet): number {
  const asked = new Set(runs.flatMap((results) => results.map(({ id }) => id)));
  return records.filter(({ id, gold }) => gold.length === 0 && asked.has(id)).length;
}

/** Mean over the paper's five sets, each of the same weight. */
export function paperMean(sets: readonly EvaluatedSet[], seed: number): EvaluationReport['mean'] {
  const five = PAPER_COLUMNS.map((name) => sets.find(({ benchmark }) => benchmark.name === name));
  const strata = five.map((set) => (set ? strataOfSet(set) : []));
  if (strata.some((parts) => parts.length === 0)) return null;
  // A set of several strata, API-Bank, shares its weight among them.
  const weighted = strata.flatMap((parts) => parts.map((part) => ({ ...part, weight: 1 / parts.length })));
  const random = Random.seeded(`mean ${seed}`);
  return {
    accuracy: stratifiedMean(weighted)!,
    interval: headlineInterval(weighted, () => random.next())!,
  };
}

function strataOfSet({ records, runs }: EvaluatedSet): Stratum[] {
  const shares = new Map<string, number[]>();
  for (const result of runs.flat())
    shares.set(result.id, [...(shares.get(result.id) ?? []), shareOf(result)]);
  const scores = new Map(
    [...shares].map(([id, values]) => [id, values.reduce((a, b) => a + b) / values.length]),
  );
  return strataOf(records, scores);
}
