import { z } from 'zod';

import { choice, flagField, integer, optionalReal, real, realAbove } from './leaf';

/** How tokens are drawn. */
export function samplingSection(defaults: { temperature: number; maxNewTokens: number }) {
  return z
    .strictObject({
      temperature: real(defaults.temperature, 0, 10, 'Sampling temperature; 0 is greedy.'),
      maxNewTokens: integer(defaults.maxNewTokens, 1, 'Longest completion, in tokens.'),
      topP: real(1, 0, 1, 'Nucleus mass; 1 is off.'),
      topK: integer(0, 0, 'Most likely tokens kept; 0 is off.'),
      minP: real(0, 0, 1, 'Tokens below this share of the most likely one are dropped; 0 is off.'),
    })
    .prefault({});
}

const optimizerSection = z
  .strictObject({
    type: choice('adamw', ['adamw', 'muon'], 'AdamW, or Muon for hidden matrices with AdamW for the rest.'),
    learningRate: realAbove(1e-6, 0, 'Peak learning rate.'),
    adamBeta1: real(0.9, 0, 1, 'Decay of the first moment.'),
    adamBeta2: real(0.999, 0, 1, 'Decay of the second moment.'),
    adamEpsilon: realAbove(1e-8, 0, 'Added to the root of the second moment.'),
    weightDecay: real(0, 0, null, 'Decoupled weight decay.'),
    muonLearningRate: realAbove(0.02, 0, 'Learning rate of Muon.'),
    muonMomentum: real(0.95, 0, 1, 'Momentum of Muon.'),
    maxGradNorm: real(1, 0, null, 'Gradients are scaled down to this global norm; 0 is off.'),
    scheduler: choice(
      'constant',
      ['constant', 'constant_with_warmup', 'linear', 'cosine'],
      'Learning-rate schedule over all iterations of the run.',
    ),
    warmupSteps: integer(0, 0, 'Steps until the peak learning rate.'),
  })
  .prefault({});

const lossSection = z
  .strictObject({
    lossType: choice(
      'grpo',
      ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'luspo', 'sapo', 'vespo'],
      'Loss, by its TRL name.',
    ),
    importanceSamplingLevel: choice(
      'token',
      ['token', 'sequence'],
      'Level of the importance ratio; sequence is GSPO.',
    ),
    epsilon: real(0.2, 0, null, 'Lower clip range of the ratio (and upper, unless epsilonHigh is set).'),
    epsilonHigh: optionalReal(0, null, 'Upper clip range of the ratio.'),
    delta: optionalReal(0, null, 'Two-sided clipping: upper bound of the ratio for negative advantages.'),
    beta: real(0, 0, null, 'Weight of the KL term to the frozen start; 0 needs no reference model.'),
    useBiasCorrectionKl: flagField(true, 'Multiply the KL estimate by the importance ratio.'),
    topEntropyQuantile: real(1, 0, 1, 'Only this share of tokens, those of highest entropy, is trained.'),
    sapoTauPos: realAbove(1, 0, 'SAPO temperature of positive advantages.'),
    sapoTauNeg: realAbove(1.05, 0, 'SAPO temperature of negative advantages.'),
  })
  .prefault({});

export interface RoleDefaults {
  steps: number;
  promptsPerStep: number;
}

/** GRPO of one role, without its reward. */
export function trainingFields(defaults: RoleDefaults) {
  return {
    steps: integer(defaults.steps, 0, 'Optimizer steps per iteration; 0 leaves this role untrained.', {
      flag: true,
    }),
    promptsPerStep: integer(defaults.promptsPerStep, 1, 'Prompts (groups) per step.', { flag: true }),
    numGenerations: integer(4, 2, 'Completions per prompt: the group of GRPO.', { flag: true }),
    sampling: samplingSection({ temperature: 1, maxNewTokens: 2048 }),
    scaleRewards: choice(
      'group',
      ['group', 'batch', 'none'],
      'What rewards are divided by: standard deviation of group, batch, or none.',
    ),
    maskTruncatedCompletions: flagField(false, 'Leave completions that hit maxNewTokens out of the loss.'),
    tokenBudget: integer(0, 0, 'Packed tokens per micro-batch; 0 is chosen from the device’s memory.'),
    activationCheckpointing: flagField(
      false,
      'Recompute all activations in the backward pass: least memory, about a third slower. Otherwise as many as do not fit.',
    ),
    maxSkippedSteps: integer(3, 0, 'Consecutive steps with non-finite gradients before the run stops.'),
    optimizer: optimizerSection,
    loss: lossSection,
  };
}
