import type { Config } from '../config';
import { bytes, count } from './format';
import type { ModelSize } from './model-size';

export interface Estimate {
  /** Generated tokens of the whole run if every completion were as long as allowed. */
  mostTokens: {
    generator: number;
    probes: number;
    synthesis: number;
    verification: number;
    solver: number;
    measuring: number;
  };
  /** Bytes at the peak of each phase. */
  memory: { rollout: number; generatorTraining: number; solverTraining: number };
  /** Bytes: checkpoints kept and final folders. */
  disk: number;
}

/** fp32 master, two moments and the gradient. */
const TRAINER_BYTES_PER_PARAMETER = 16;
/** Master and two moments; gradients are not saved. */
const STATE_BYTES_PER_PARAMETER = 12;
/** Values kept for the backward pass per token and layer, in units of the hidden size. */
const ACTIVATIONS_PER_LAYER = 18;
/** The engine decodes about so many sequences at once when nothing is set. */
const TYPICAL_BATCH = 256;
const LOGIT_ROWS = 2048;

function tokens(config: Config): Estimate['mostTokens'] {
  const { generator, solver, synthesis, curation, evaluation, iterations } = config;
  const steps = config.ablation.frozenGenerator ? 0 : generator.steps * iterations;
  const tasksWritten = steps * generator.promptsPerStep * generator.numGenerations;
  const judge = generator.judge.by === 'solver' ? generator.judge.sampling.maxNewTokens * 3 : 0;
  const probe = config.ablation.noDifficulty
    ? 0
    : generator.probe.samples * generator.probe.sampling.maxNewTokens;
  const label = curation.difficultyBy === 'judge' ? curation.judgeSampling.maxNewTokens : 0;
  const { samples, sampling } = curation.verify;
  return {
    generator: tasksWritten * generator.sampling.maxNewTokens,
    probes: tasksWritten * (probe + judge),
    synthesis: iterations * synthesis.candidates * synthesis.sampling.maxNewTokens,
    verification: iterations * synthesis.candidates * (samples * sampling.maxNewTokens + label),
    solver:
      iterations *
      solver.steps *
      solver.promptsPerStep *
      solver.numGenerations *
      solver.sampling.maxNewTokens,
    measuring:
      (iterations + 1) * evaluation.tasks * (evaluation.samples + 1) * evaluation.sampling.maxNewTokens,
  };
}

/** What a run will cost at most, from the sizes in config.json. Rough: within a factor of two. */
export function estimate(config: Config, size: ModelSize, weightBytes: number): Estimate {
  const weights = size.parameters * weightBytes;
  const keyValue = 2 * size.layers * size.keyValueHeads * size.headDim * weightBytes;
  const longest = Math.max(
    config.generator.sampling.maxNewTokens,
    config.synthesis.sampling.maxNewTokens,
    config.solver.sampling.maxNewTokens,
  );
  const batch = config.rollout.maxBatch || TYPICAL_BATCH;
  const cache = config.rollout.maxKvBytes || batch * longest * keyValue;
  const trainerBytes = size.parameters * TRAINER_BYTES_PER_PARAMETER;
  const idle = config.offloadIdleTrainer ? 0 : trainerBytes;
  const training = (role: 'generator' | 'solver') => {
    const { tokenBudget, activationCheckpointing, loss } = config[role];
    const layers = activationCheckpointing ? 1 : size.layers;
    const activations =
      tokenBudget * weightBytes * (layers * ACTIVATIONS_PER_LAYER * size.hidden + size.layers * size.hidden);
    const logits = 2 * Math.min(LOGIT_ROWS, tokenBudget) * size.vocabulary * 4;
    return 2 * weights + (loss.beta > 0 ? weights : 0) + trainerBytes + idle + activations + logits;
  };
  const role = weights + size.parameters * STATE_BYTES_PER_PARAMETER;
  return {
    mostTokens: tokens(config),
    memory: {
      rollout: 2 * weights + trainerBytes + idle + cache,
      generatorTraining: training('generator'),
      solverTraining: training('solver'),
    },
    // One checkpoint more than is kept while the next is written; an unchanged role is linked, which is not counted on.
    disk: (config.checkpoint.keep + 1) * 2 * role + 2 * weights,
  };
}

export function estimateText({ mostTokens, memory, disk }: Estimate): string {
  const total = Object.values(mostTokens).reduce((sum, value) => sum + value, 0);
  const parts = Object.entries(mostTokens).map(([name, value]) => `${name} ${count(value)}`);
  return [
    'estimate (rough; tokens if every completion were as long as allowed)',
    `  generated tokens  at most ${count(total)}: ${parts.join(', ')}`,
    `  memory            rollouts ${bytes(memory.rollout)}, Generator training ${bytes(memory.generatorTraining)}, Solver training ${bytes(memory.solverTraining)}`,
    `  disk              ${bytes(disk)} for checkpoints and both final folders`,
  ].join('\n');
}
