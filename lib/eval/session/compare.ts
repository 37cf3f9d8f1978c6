import { ConfigError } from '../../binding/errors';
import { Random } from '../../tasks/random';
import type { Interval } from '../accuracy';
import { shareOf, type TaskResult } from '../answer';
import { mcnemarP, signFlipP, stratifiedInterval, stratifiedMean, type Stratum } from '../statistics';
import { ResultsFolder } from './results-folder';

/** Two systems on the same tasks. */
export interface PairedComparison {
  tasks: number;
  accuracyA: number;
  accuracyB: number;
  /** B - A. */
  difference: number;
  interval: Interval;
  /** Tasks that only A, only B got right; where answers are shares: did better on. */
  onlyA: number;
  onlyB: number;
  /** Two-sided, of no difference. */
  p: number;
  /** `mcnemar` (exact) where every task is right or wrong, else `sign-flip` (10,000 draws). */
  test: 'mcnemar' | 'sign-flip';
  /** Tasks that only one of the two was asked: not compared. */
  unpaired: number;
}

/**
 * Paired comparison of scores per task. The p-value is over tasks, whatever their strata.
 * @param strata of tasks where the headline is the mean over parts (API-Bank's levels)
 * @throws ConfigError when there is no common task
 */
export function comparePaired(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  seed = 0,
  strata: ReadonlyMap<string, string> = new Map(),
): PairedComparison {
  const common = [...a.keys()].filter((id) => b.has(id));
  if (common.length === 0) throw new ConfigError('compare: the two have no task in common');
  const differences = common.map((id) => b.get(id)! - a.get(id)!);
  const stratumAt = common.map((id) => strata.get(id) ?? '');
  const strataWith = (values: readonly number[]): Stratum[] =>
    [...new Set(stratumAt)].map((stratum) => ({
      weight: 1,
      scores: values.filter((_, index) => stratumAt[index] === stratum),
    }));
  const headlineOf = (scores: ReadonlyMap<string, number>) =>
    stratifiedMean(strataWith(common.map((id) => scores.get(id)!)))!;
  const random = Random.seeded(`compare ${seed}`);
  const next = () => random.next();
  const onlyA = differences.filter((difference) => difference < 0).length;
  const onlyB = differences.filter((difference) => difference > 0).length;
  const binary = [...common].every((id) => [a, b].every((scores) => [0, 1].includes(scores.get(id)!)));
  return {
    tasks: common.length,
    accuracyA: headlineOf(a),
    accuracyB: headlineOf(b),
    difference: headlineOf(b) - headlineOf(a),
    interval: stratifiedInterval(strataWith(differences), next)!,
    onlyA,
    onlyB,
    p: binary ? mcnemarP(onlyA, onlyB) : signFlipP(differences, next),
    test: binary ? 'mcnemar' : 'sign-flip',
    unpaired: a.size + b.size - 2 * common.length,
  };
}

/** Share of right answers of each task over all runs. */
export function scoresOf(runs: readonly (readonly TaskResult[])[]): Map<string, number> {
  const answers = new Map<string, TaskResult>();
  for (const { id, answers: given } of runs.flat()) {
    answers.set(id, { id, answers: [...(answers.get(id)?.answers ?? []), ...given] });
  }
  return new Map([...answers].map(([id, result]) => [id, shareOf(result)]));
}

/** Two folders made by `eval --out`, set by set. @throws CheckpointError, ConfigError */
export function compareFolders(dirA: string, dirB: string): Record<string, PairedComparison> {
  const [a, b] = [dirA, dirB].map((dir) => readFolder(ResultsFolder.existing(dir))) as [
    FolderScores,
    FolderScores,
  ];
  const sets = [...a.keys()].filter((set) => hasCommonTask(a.get(set)!.scores, b.get(set)?.scores));
  if (sets.length === 0) {
    throw new ConfigError(
      `compare: ${dirA} (${[...a.keys()].join(', ')}) and ${dirB} (${[...b.keys()].join(', ')}) have no task in common`,
      { dirA, dirB },
    );
  }
  return Object.fromEntries(
    sets.map((set) => {
      const [left, right] = [a.get(set)!, b.get(set)!];
      return [set, comparePaired(left.scores, right.scores, 0, new Map([...left.strata, ...right.strata]))];
    }),
  );
}

const hasCommonTask = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number> | undefined) =>
  b !== undefined && [...a.keys()].some((id) => b.has(id));

type FolderScores = Map<string, { scores: Map<string, number>; strata: Map<string, string> }>;

function readFolder(folder: ResultsFolder): FolderScores {
  const bySet = new Map<string, TaskResult[][]>();
  for (const { set, seed } of folder.runs()) {
    bySet.set(set, [...(bySet.get(set) ?? []), folder.read(set, seed).results]);
  }
  return new Map(
    [...bySet].map(([set, runs]) => {
      const strata = runs.flat().flatMap(({ id, stratum }) => (stratum === undefined ? [] : [[id, stratum]]));
      return [set, { scores: scoresOf(runs), strata: new Map(strata as [string, string][]) }];
    }),
  );
}
