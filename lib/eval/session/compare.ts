import { ConfigError } from '../../binding/errors';
import { Random } from '../../tasks/random';
import { intervalFrom, wilsonInterval, type Interval } from '../accuracy';
import { shareOf, type TaskResult } from '../answer';
import { PAPER_COLUMNS } from '../published-results';
import { signFlipTest } from '../sign-flip';
import { effectiveTasks, stratifiedInterval, stratifiedMean, type Stratum } from '../statistics';
import { isObject } from '../record-reader';
import { ResultsFolder, type Settings } from './results-folder';

/** Two systems on the same tasks. Difference, interval and p are of one statistic: the weighted mean of the differences of the strata. */
export interface PairedComparison {
  tasks: number;
  accuracyA: number;
  accuracyB: number;
  /** B - A. */
  difference: number;
  /** 95 %: percentile bootstrap, tasks resampled within their stratum; wider where all tasks differ alike. */
  interval: Interval;
  /** Tasks that only A, only B got right; where answers are shares: did better on. */
  onlyA: number;
  onlyB: number;
  /** Two-sided, of no difference, by sign flips of the tasks' differences. */
  p: number;
  /** `mcnemar` where it is that: every task right or wrong, all of one stratum. */
  test: 'mcnemar' | 'sign-flip';
  /** Random sign flips that p was estimated from; null where it is exact. */
  flips: number | null;
  /** Tasks that only one of the two was asked: not compared. */
  unpaired: number;
  /** The two were put to other data under the same ids (another copy or version of the set). */
  otherData?: true;
}

/** Scores of the same tasks, in the same order, and their weight in the headline. */
interface PairedStratum {
  weight: number;
  a: readonly number[];
  b: readonly number[];
}

/**
 * Paired comparison of scores per task.
 * @param strata of tasks where the headline is the mean over parts (API-Bank's levels)
 * @throws ConfigError when there is no common task
 */
export function comparePaired(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  seed = 0,
  strata: ReadonlyMap<string, string> = new Map(),
): PairedComparison {
  return compareStrata(pairedStrata(a, b, strata), unpairedOf(a, b), seed);
}

function pairedStrata(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  strata: ReadonlyMap<string, string>,
): PairedStratum[] {
  const common = [...a.keys()].filter((id) => b.has(id));
  const idsOf = new Map<string, string[]>();
  for (const id of common) {
    const stratum = strata.get(id) ?? '';
    const ids = idsOf.get(stratum);
    if (ids) ids.push(id);
    else idsOf.set(stratum, [id]);
  }
  return [...idsOf.values()].map((ids) => ({
    weight: 1 / idsOf.size,
    a: ids.map((id) => a.get(id)!),
    b: ids.map((id) => b.get(id)!),
  }));
}

const unpairedOf = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number =>
  [...a.keys()].filter((id) => !b.has(id)).length + [...b.keys()].filter((id) => !a.has(id)).length;

function compareStrata(strata: readonly PairedStratum[], unpaired: number, seed: number): PairedComparison {
  if (strata.length === 0) throw new ConfigError('compare: the two have no task in common');
  const meanOf = (side: 'a' | 'b') =>
    stratifiedMean(strata.map((stratum) => ({ weight: stratum.weight, scores: stratum[side] })))!;
  const [accuracyA, accuracyB] = [meanOf('a'), meanOf('b')];
  const paired = strata.map(({ weight, a, b }) => ({
    weight,
    scores: a.map((score, index) => b[index]! - score),
  }));
  const random = Random.seeded(`compare ${seed}`);
  const next = () => random.next();
  const weighted = paired.flatMap(({ weight, scores }) =>
    scores.map((difference) => (weight * difference) / scores.length),
  );
  const differences = paired.flatMap(({ scores }) => scores);
  const isBinary = strata.every(({ a, b }) => [...a, ...b].every((score) => score === 0 || score === 1));
  return {
    tasks: differences.length,
    accuracyA,
    accuracyB,
    difference: accuracyB - accuracyA,
    interval: differenceInterval(paired, accuracyB - accuracyA, next),
    onlyA: differences.filter((difference) => difference < 0).length,
    onlyB: differences.filter((difference) => difference > 0).length,
    ...signFlipTest(weighted, next),
    test: isBinary && strata.length === 1 ? 'mcnemar' : 'sign-flip',
    unpaired,
  };
}

/**
 * Percentile bootstrap; where all tasks differ alike, which resampling says nothing about, as wide as Wilson's interval of none in so many
 * tasks: no difference on 10 of 10 tasks is not "0 to 0".
 */
function differenceInterval(paired: readonly Stratum[], difference: number, next: () => number): Interval {
  const resampled = stratifiedInterval(paired, next)!;
  if (resampled.low < resampled.high) return resampled;
  const width = wilsonInterval(0, effectiveTasks(paired)).high;
  return intervalFrom(Math.max(-1, difference - width), Math.min(1, difference + width));
}

/** Share of right answers of each task over all runs. */
export function scoresOf(runs: readonly (readonly TaskResult[])[]): Map<string, number> {
  const answers = new Map<string, TaskResult>();
  for (const { id, answers: given } of runs.flat()) {
    answers.set(id, { id, answers: [...(answers.get(id)?.answers ?? []), ...given] });
  }
  return new Map([...answers].map(([id, result]) => [id, shareOf(result)]));
}

/** Name of the row of the mean. */
export const MEAN_OF_FIVE = 'mean of the five';

/** Two folders made by `eval --out`, set by set, and the mean over the paper's five where both have them. @throws CheckpointError, ConfigError */
export function compareFolders(dirA: string, dirB: string): Record<string, PairedComparison> {
  const [a, b] = [dirA, dirB].map((dir) => readFolder(ResultsFolder.existing(dir))) as [
    FolderScores,
    FolderScores,
  ];
  const common = [...a.sets.keys()].filter((set) =>
    hasCommonTask(a.sets.get(set)!.scores, b.sets.get(set)?.scores),
  );
  if (common.length === 0) {
    throw new ConfigError(
      `compare: ${dirA} (${[...a.sets.keys()].join(', ')}) and ${dirB} (${[...b.sets.keys()].join(', ')}) have no task in common`,
      { dirA, dirB },
    );
  }
  const strataOf = (set: string) => {
    const [left, right] = [a.sets.get(set)!, b.sets.get(set)!];
    return pairedStrata(left.scores, right.scores, new Map([...left.strata, ...right.strata]));
  };
  const rowOf = (name: string, sets: readonly string[]): [string, PairedComparison] => {
    const missed = sets.reduce(
      (sum, set) => sum + unpairedOf(a.sets.get(set)!.scores, b.sets.get(set)!.scores),
      0,
    );
    const isOther = sets.some((set) => isOtherData(a.settings, b.settings, set));
    return [
      name,
      { ...compareStrata(sets.flatMap(strataOf), missed, 0), ...(isOther ? { otherData: true } : {}) },
    ];
  };
  const paper: readonly string[] = PAPER_COLUMNS;
  const five = paper.every((set) => common.includes(set)) ? [rowOf(MEAN_OF_FIVE, paper)] : [];
  return Object.fromEntries([
    ...paper.filter((set) => common.includes(set)).map((set) => rowOf(set, [set])),
    ...five,
    ...common.filter((set) => !paper.includes(set)).map((set) => rowOf(set, [set])),
  ]);
}

/** Fingerprints are of the records that were asked: they tell something only under the same --limit. */
function isOtherData(a: Settings, b: Settings, set: string): boolean {
  const hashOf = ({ data }: Settings) => (isObject(data) ? data[set] : undefined);
  const [left, right] = [hashOf(a), hashOf(b)];
  return (
    (a['limit'] ?? null) === (b['limit'] ?? null) &&
    left !== undefined &&
    right !== undefined &&
    left !== right
  );
}

const hasCommonTask = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number> | undefined) =>
  b !== undefined && [...a.keys()].some((id) => b.has(id));

interface FolderScores {
  settings: Settings;
  sets: Map<string, { scores: Map<string, number>; strata: Map<string, string> }>;
}

function readFolder(folder: ResultsFolder): FolderScores {
  const bySet = new Map<string, TaskResult[][]>();
  for (const { set, seed } of folder.runs()) {
    bySet.set(set, [...(bySet.get(set) ?? []), folder.read(set, seed).results]);
  }
  const sets = [...bySet].map(([set, runs]) => {
    const strata = runs
      .flat()
      .flatMap(({ id, stratum }) => (stratum === undefined ? [] : [[id, stratum] as const]));
    return [set, { scores: scoresOf(runs), strata: new Map(strata) }] as const;
  });
  return { settings: folder.settings(), sets: new Map(sets) };
}
