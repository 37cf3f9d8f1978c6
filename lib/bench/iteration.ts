import type { ShapeName } from './shapes';

/** One self-play iteration as token counts: what the stages ask of the engine and the trainer, with scripted tasks in place of text. */
export interface IterationPlan {
  generator: {
    steps: number;
    prompts: number;
    n: number;
    promptTokens: number;
    meanTokens: number;
    maxTokens: number;
  };
  /** Solver samples per generated task. */
  probe: number;
  synthesis: { candidates: number; batch: number };
  /** Solver samples per candidate; every candidate counts as valid. */
  verification: { samples: number; batch: number };
  solver: {
    steps: number;
    prompts: number;
    n: number;
    promptTokens: number;
    meanTokens: number;
    maxTokens: number;
  };
  /** What the measured times are multiplied by to stand for the whole iteration. */
  scale: number;
}

/** The method's published sizes (docs/configuration.md), a tenth of the steps and candidates. */
const PAPER: IterationPlan = {
  generator: { steps: 5, prompts: 6, n: 4, promptTokens: 900, meanTokens: 450, maxTokens: 2048 },
  probe: 8,
  synthesis: { candidates: 1000, batch: 256 },
  verification: { samples: 10, batch: 64 },
  solver: { steps: 5, prompts: 8, n: 4, promptTokens: 700, meanTokens: 200, maxTokens: 2048 },
  scale: 10,
};

/** The sizes of the preset `tiny`, whole: its iteration takes well under a minute. */
const TINY: IterationPlan = {
  generator: { steps: 6, prompts: 10, n: 8, promptTokens: 40, meanTokens: 90, maxTokens: 192 },
  probe: 8,
  synthesis: { candidates: 300, batch: 150 },
  verification: { samples: 8, batch: 100 },
  solver: { steps: 12, prompts: 16, n: 8, promptTokens: 70, meanTokens: 30, maxTokens: 96 },
  scale: 1,
};

export const iterationPlan = (shape: ShapeName): IterationPlan => (shape === 'embedded' ? TINY : PAPER);

export const LENGTHS_NOTE =
  'completion lengths are geometric with the stated mean, cut at the longest: stop ids are a random share of the vocabulary, and ' +
  'random weights sample all ids about equally';
