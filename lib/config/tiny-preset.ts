import { TINY_SPEC_TABLE } from '../tiny/spec-table';
import type { ConfigInput } from './schema';

const optimizer = { adamBeta1: 0.9, adamBeta2: 0.95, weightDecay: 0 };

/** Sizes of the embedded base model's run; same stages, parsers and rewards as a real model's. */
export const TINY_PRESET: ConfigInput = {
  prompts: 'compact',
  spec: TINY_SPEC_TABLE,
  generator: {
    steps: 6,
    promptsPerStep: 10,
    numGenerations: 8,
    controlSpecs: 60,
    sampling: { temperature: 1, maxNewTokens: 192 },
    tokenBudget: 8192,
    optimizer: { ...optimizer, learningRate: 3e-4 },
    loss: { lossType: 'bnpo', beta: 0.01 },
    reward: { difficultyShare: 1, coherenceShare: 0.5, requireFullValidity: true },
    probe: { samples: 8, sampling: { temperature: 1, maxNewTokens: 96 } },
    judge: { by: 'lexical' },
  },
  synthesis: {
    candidates: 300,
    batchSize: 150,
    sampling: { temperature: 0.9, maxNewTokens: 192 },
    shuffleMenu: true,
  },
  curation: {
    validation: 'compact',
    verify: { samples: 8, sampling: { temperature: 1, maxNewTokens: 96 }, batchSize: 100 },
    tau: 0.125,
    tauHigh: 0.99,
    difficultyBy: 'agreement',
  },
  solver: {
    steps: 12,
    promptsPerStep: 16,
    numGenerations: 8,
    sampling: { temperature: 1, maxNewTokens: 96 },
    tokenBudget: 8192,
    optimizer: { ...optimizer, learningRate: 2e-4 },
    loss: { lossType: 'bnpo' },
  },
  evaluation: { tasks: 400, samples: 4, sampling: { temperature: 1, maxNewTokens: 96 } },
};
