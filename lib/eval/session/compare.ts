import { ConfigError } from '../../binding/errors';
import { Random } from '../../tasks/random';
import type { Interval } from '../accuracy';
import { shareOf, type TaskResult } from '../answer';
import { mcnemarP, signFlipP, stratifiedInterval } from '../statistics';
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

/** Paired comparison of scores per task. @throws ConfigError when there is no common task */
export function comparePaired(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  seed = 0,
): PairedComparison {
  const common = [...a.keys()].filter((id) => b.has(id));
  if (common.length === 0) throw new ConfigError('compare: the two have no task in common');
  const differences = common.map((id) => b.get(id)! - a.get(id)!);
  const meanOf = (scores: ReadonlyMap<string, number>) =>
    common.reduce((sum, id) => sum + scores.get(id)!, 0) / common.length;
  const random = Random.seeded(`compare ${seed}`);
  const next = () => random.next();
  const onlyA = differences.filter((difference) => difference < 0).length;
  const onlyB = differences.filter((difference) => difference > 0).length;
  const binary = [...common].every((id) => [a, b].every((scores) => [0, 1].includes(scores.get(id)!)));
  return {
    tasks: common.length,
    accuracyA: meanOf(a),
    accuracyB: meanOf(b),
    difference: meanOf(b) - meanOf(a),
    interval: stratifiedInterval([{ weight: 1, scores: differences }], next)!,
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
  const sets = [...a.keys()].filter((set) => hasCommonTask(a.get(set)!, b.get(set)));
  if (sets.length === 0) {
    throw new ConfigError(
      `compare: ${dirA} (${[...a.keys()].join(', ')}) and ${dirB} (${[...b.keys()].join(', ')}) have no task in common`,
      { dirA, dirB },
    );
  }
  return Object.fromEntries(sets.map((set) => [set, comparePaired(a.get(set)!, b.get(set)!)]));
}

const hasCommonTask = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number> | undefined) =>
  b !== undefined && [...a.keys()].some((id) => b.has(id));

type FolderScores = Map<string, Map<string, number>>;

function readFolder(folder: ResultsFolder): FolderScores {
  const bySet = new Map<string, TaskResult[][]>();
  for (const { set, seed } of folder.runs()) {
    bySet.set(set, [...(bySet.get(set) ?? []), folder.read(set, seed).results]);
  }
  return new Map([...bySet].map(([set, runs]) => [set, scoresOf(runs)]));
}
