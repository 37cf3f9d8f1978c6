import { Random } from '../tasks/random';
import { mean, standardDeviation, type Interval } from './accuracy';
import { shareOf, type ScoredAnswer, type TaskResult } from './answer';
import { ERROR_KINDS, VALUE_ERROR_KINDS, type ErrorKind, type ValueErrorKind } from './diagnose';
import { groupOf, hasUnknownTool, stratumOf, type NeutralRecord } from './neutral-record';
import { headlineInterval, passAtK, stratifiedMean, type Stratum } from './statistics';

export interface Figure {
  value: number;
  interval: Interval;
}

/** Where one wrong tool stands for another: how often `predicted` was called for `gold`. null: no call. */
export interface Confusion {
  gold: string | null;
  predicted: string | null;
  count: number;
}

export interface SetSummary {
  /** The headline, from 0 to 1; of API-Bank the mean of its levels. null when no task could be asked. */
  accuracy: number | null;
  interval: Interval | null;
  /** Tasks that were answered. */
  tasks: number;
  /** Tasks whose menu does not fit the context: not asked. */
  tooLong: number;
  /** Tasks that call a function which is not offered; asked and counted. */
  unknownTool: number;
  answersPerTask: number;
  /** Accuracy of the parts: levels, domains, categories, … */
  groups: Record<string, { accuracy: number; interval: Interval; tasks: number }>;
  /** Whether the headline is the mean over the groups, as API-Bank's is over its levels. */
  meanOfGroups: boolean;
  passAt?: Record<string, Figure>;
  /** Accuracy under each seed. The intervals are of the tasks, `standardDeviation` is of the seeds. */
  seeds?: {
    accuracies: number[];
    intervals: Interval[];
    mean: number;
    interval: Interval | null;
    standardDeviation: number;
  };
  /** Wrong answers by what they count as. */
  errors: Partial<Record<ErrorKind, number>>;
  valueErrors: Partial<Record<ValueErrorKind, number>>;
  /** Answers that ended at the token limit. */
  truncated: number;
  /** The most frequent mistaken tools, at most 20. */
  confusion: Confusion[];
}

/** Strata of a set's headline. */
export function strataOf(records: readonly NeutralRecord[], scores: ReadonlyMap<string, number>): Stratum[] {
  const strata = new Map<string, number[]>();
  for (const record of records) {
    const score = scores.get(record.id);
    if (score === undefined) continue;
    const key = stratumOf(record) ?? '';
    const scored = strata.get(key);
    if (scored) scored.push(score);
    else strata.set(key, [score]);
  }
  return [...strata.values()].map((values) => ({ weight: 1, scores: values }));
}

export interface SummaryInput {
  records: readonly NeutralRecord[];
  /** One entry per seed, each with the results under it. */
  runs: readonly (readonly TaskResult[])[];
  tooLong: number;
  passAt?: readonly number[];
  /** Of the bootstrap. */
  seed?: number;
}

/** All figures of one set. */
export function summarize({ records, runs, tooLong, passAt = [], seed = 0 }: SummaryInput): SetSummary {
  const random = Random.seeded(`bootstrap ${seed}`);
  const next = () => random.next();
  const merged = mergeRuns(runs);
  const scores = new Map([...merged].map(([id, answers]) => [id, shareOf({ id, answers })]));
  const strata = strataOf(records, scores);
  const answers = [...merged.values()].flat();
  const wrong = answers.filter(({ correct }) => !correct);
  const answered = records.filter(({ id }) => merged.has(id));
  const interval = headlineInterval(strata, next);
  return {
    accuracy: stratifiedMean(strata),
    interval,
    tasks: answered.length,
    tooLong,
    unknownTool: answered.filter(hasUnknownTool).length,
    answersPerTask: answered.length === 0 ? 0 : answers.length / answered.length,
    groups: groupAccuracies(answered, scores, seed),
    meanOfGroups: records.some((record) => stratumOf(record) !== undefined),
    ...(passAt.length > 0 ? { passAt: passFigures(records, merged, passAt, next, interval) } : {}),
    ...(runs.length > 1 && answered.length > 0 ? { seeds: seedFigures(records, runs, interval, seed) } : {}),
    errors: tally(wrong, ERROR_KINDS, ({ errors }) => errors[0]?.kind),
    valueErrors: tally(wrong, VALUE_ERROR_KINDS, ({ errors }) => errors[0]?.value),
    truncated: answers.filter(({ finishReason }) => finishReason === 'length').length,
    confusion: confusionOf(wrong),
  };
}

/** All answers to each task, over the seeds. */
function mergeRuns(runs: readonly (readonly TaskResult[])[]): Map<string, ScoredAnswer[]> {
  const merged = new Map<string, ScoredAnswer[]>();
  for (const { id, answers } of runs.flat()) {
    const earlier = merged.get(id);
    if (earlier) earlier.push(...answers);
    else merged.set(id, [...answers]);
  }
  return merged;
}

function groupAccuracies(
  records: readonly NeutralRecord[],
  scores: ReadonlyMap<string, number>,
  seed: number,
): SetSummary['groups'] {
  const groups: Record<string, number[]> = {};
  for (const record of records) {
    const name = groupOf(record);
    if (name !== undefined) (groups[name] ??= []).push(scores.get(record.id)!);
  }
  return Object.fromEntries(
    Object.entries(groups).map(([name, values]) => {
      const random = Random.seeded(`bootstrap ${seed} of ${name}`);
      const interval = headlineInterval([{ weight: 1, scores: values }], () => random.next())!;
      return [name, { accuracy: mean(values), interval, tasks: values.length }];
    }),
  );
}

function passFigures(
  records: readonly NeutralRecord[],
  merged: ReadonlyMap<string, readonly ScoredAnswer[]>,
  ks: readonly number[],
  next: () => number,
  headline: Interval | null,
): Record<string, Figure> {
  return Object.fromEntries(
    ks.flatMap((k) => {
      const scores = [...merged].map(
        ([id, answers]) =>
          [id, passAtK(answers.length, answers.filter(({ correct }) => correct).length, k)] as const,
      );
      const strata = strataOf(records, new Map(scores));
      const value = stratifiedMean(strata);
      // pass@1 is the headline.
      const interval = k === 1 ? headline : headlineInterval(strata, next);
      return value === null || interval === null ? [] : [[String(k), { value, interval }]];
    }),
  );
}

/** @param interval of the mean over the seeds: each task is resampled with its answers under all of them, as for the headline */
function seedFigures(
  records: readonly NeutralRecord[],
  runs: readonly (readonly TaskResult[])[],
  interval: Interval | null,
  seed: number,
): NonNullable<SetSummary['seeds']> {
  const figures = runs.flatMap((results, index) => {
    const strata = strataOf(records, new Map(results.map((result) => [result.id, shareOf(result)])));
    const random = Random.seeded(`bootstrap ${seed} of run ${index}`);
    const value = stratifiedMean(strata);
    return value === null ? [] : [{ value, interval: headlineInterval(strata, () => random.next())! }];
  });
  const accuracies = figures.map(({ value }) => value);
  return {
    accuracies,
    intervals: figures.map((figure) => figure.interval),
    mean: mean(accuracies),
    interval,
    standardDeviation: standardDeviation(accuracies),
  };
}

function tally<T extends string>(
  answers: readonly ScoredAnswer[],
  kinds: readonly T[],
  kindOf: (answer: ScoredAnswer) => T | undefined,
): Partial<Record<T, number>> {
  const counts: Partial<Record<T, number>> = {};
  for (const kind of kinds) {
    const count = answers.filter((answer) => kindOf(answer) === kind).length;
    if (count > 0) counts[kind] = count;
  }
  return counts;
}

const MOST_CONFUSED = 20;

function confusionOf(wrong: readonly ScoredAnswer[]): Confusion[] {
  const counts = new Map<string, Confusion>();
  for (const { kind, gold = null, predicted = null } of wrong.flatMap(({ errors }) => errors)) {
    if (kind !== 'wrong_tool' && kind !== 'wrong_number_of_calls') continue;
    const key = JSON.stringify([gold, predicted]);
    const entry = counts.get(key) ?? { gold, predicted, count: 0 };
    entry.count++;
    counts.set(key, entry);
  }
  return [...counts.values()].sort((a, b) => b.count - a.count).slice(0, MOST_CONFUSED);
}
