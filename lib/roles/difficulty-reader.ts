import type { Difficulty } from '../tasks/task';
import { foldForAscii, phraseIndex } from '../rewards/phrases';

export const DIFFICULTIES = ['easy', 'medium', 'hard'] as const satisfies readonly Difficulty[];

export interface DifficultyLabel {
  difficulty: Difficulty;
  /** The reply named no level, and the default was taken. */
  usedFallback: boolean;
}

/** The first of the words easy, medium, hard in a judge's reply, in any case; else the default. */
export function readDifficulty(reply: string, fallback: Difficulty = 'medium'): DifficultyLabel {
  const text = foldForAscii(reply);
  const found = DIFFICULTIES.map((difficulty) => ({ difficulty, at: phraseIndex(text, difficulty, 0) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)[0];
  return found
    ? { difficulty: found.difficulty, usedFallback: false }
    : { difficulty: fallback, usedFallback: true };
}

/** The level of a task by how often the Solver gets it right: hard below 0.25, easy above 0.75. */
export function difficultyOfAgreement(agreement: number): Difficulty {
  if (agreement > 0.75) return 'easy';
  return agreement < 0.25 ? 'hard' : 'medium';
}
