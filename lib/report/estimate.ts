import type { Config } from '../config';
import { holdsBothRoles } from '../policy/residency';
import { bytes, count } from './format';
import {
  automaticTokenBudget,
  rolloutMemory,
  total,
  trainingMemory,
  type MemoryTerms,
  type PlanDevice,
} from './memory-plan';
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
  /** What each of these sums consists of. */
  memoryTerms: { rollout: MemoryTerms; generatorTraining: MemoryTerms; solverTraining: MemoryTerms };
  /** The role that is not needed waits in host memory, which `memory` leaves out. */
  offloadsIdleRole: boolean;
  /** Bytes: checkpoints kept and final folders. */
  disk: number;
}

/** Master and two moments; gradients are not saved. */
const STATE_BYTES_PER_PARAMETER = 12;
/** The engine decodes at most so many sequences at once when nothing is set. */
const TYPICAL_BATCH = 256;
/** Typical lengths: full instructions with a menu of tools, and the embedded model's templates. */
const PROMPT_TOKENS = { standard: 1000, compact: 100 };

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

type RoleName = 'generator' | 'solver';

/** Whether the role that is not needed waits in host memory (Roles.makeRoomFor). */
function offloads(config: Config, size: ModelSize, { cuda, totalBytes }: PlanDevice): boolean {
  if (config.offloadIdleRole !== 'auto') return config.offloadIdleRole === 'always';
  return cuda && totalBytes !== undefined && !holdsBothRoles(size.parameters, totalBytes);
}

function rolloutTerms(config: Config, size: ModelSize, device: PlanDevice): MemoryTerms {
  const { generator, solver, synthesis, rollout } = config;
  const newTokens = Math.max(
    generator.sampling.maxNewTokens,
    synthesis.sampling.maxNewTokens,
    solver.sampling.maxNewTokens,
  );
  const sequences = rollout.maxBatch || TYPICAL_BATCH;
  const apart = offloads(config, size, device) || config.offloadIdleTrainer;
  return rolloutMemory(
    size,
    device,
    {
      prompts: Math.ceil(sequences / solver.numGenerations),
      promptTokens: PROMPT_TOKENS[config.prompts],
      sequences,
      newTokens,
      maxKvBytes: rollout.maxKvBytes,
    },
    { policies: 2, trainers: apart ? 1 : 2 },
  );
}

function trainingTerms(config: Config, size: ModelSize, device: PlanDevice, role: RoleName): MemoryTerms {
  const { tokenBudget, activationCheckpointing, loss, promptsPerStep, numGenerations, sampling } =
    config[role];
  const prompt = PROMPT_TOKENS[config.prompts];
  const row = prompt + sampling.maxNewTokens;
  const budget = tokenBudget || automaticTokenBudget(size, device);
  const step = promptsPerStep * (prompt + numGenerations * sampling.maxNewTokens);
  // A row is never split, whatever the budget.
  const packed = Math.min(step, Math.max(budget, row));
  const away = offloads(config, size, device);
  const alone = away && role === 'solver';
  return trainingMemory(
    size,
    device,
    { tokens: packed, scored: packed, checkpointing: activationCheckpointing },
    {
      policies: (alone ? 1 : 2) + (loss.beta > 0 ? 1 : 0),
      trainers: away || config.offloadIdleTrainer ? 1 : 2,
    },
  );
}

/**
 * What a run will cost at most, from the sizes in config.json. Memory follows from the lengths given: measured peaks lay within 10 % of
 * the plan (test/report/memory-plan.test.ts); lengths of prompts are assumed.
 */
export function estimate(config: Config, size: ModelSize, device: PlanDevice): Estimate {
  const weights = size.parameters * device.weightBytes;
  const role = weights + size.parameters * STATE_BYTES_PER_PARAMETER;
  const terms = {
    rollout: rolloutTerms(config, size, device),
    generatorTraining: trainingTerms(config, size, device, 'generator'),
    solverTraining: trainingTerms(config, size, device, 'solver'),
  };
  return {
    mostTokens: tokens(config),
    memory: {
      rollout: total(terms.rollout),
      generatorTraining: total(terms.generatorTraining),
      solverTraining: total(terms.solverTraining),
    },
    memoryTerms: terms,
    offloadsIdleRole: offloads(config, size, device),
    // One checkpoint more than is kept while the next is written; an unchanged role is linked, which is not counted on.
    disk: (config.checkpoint.keep + 1) * 2 * role + 2 * weights,
  };
}

function termsText(terms: MemoryTerms): string {
  const names: Record<keyof MemoryTerms, string> = {
    runtime: 'runtime',
    weights: 'weights',
    masters: 'fp32 masters',
    moments: 'moments',
    gradients: 'gradients',
    keyValues: 'keys and values',
    activations: 'activations',
    head: 'logits',
  };
  return (Object.keys(names) as (keyof MemoryTerms)[])
    .filter((name) => terms[name] > 0)
    .map((name) => `${names[name]} ${bytes(terms[name])}`)
    .join(', ');
}

export function estimateText(plan: Estimate): string {
  const { mostTokens, memory, memoryTerms, offloadsIdleRole, disk } = plan;
  const generated = Object.values(mostTokens).reduce((sum, value) => sum + value, 0);
  const parts = Object.entries(mostTokens).map(([name, value]) => `${name} ${count(value)}`);
  return [
    'estimate (rough; tokens if every completion were as long as allowed)',
    `  generated tokens  at most ${count(generated)}: ${parts.join(', ')}`,
    `  memory            rollouts ${bytes(memory.rollout)}, Generator training ${bytes(memory.generatorTraining)}, Solver training ${bytes(memory.solverTraining)}${offloadsIdleRole ? '; the idle role waits in host memory' : ''}`,
    `    rollouts          ${termsText(memoryTerms.rollout)}`,
    `    Generator step    ${termsText(memoryTerms.generatorTraining)}`,
    `    Solver step       ${termsText(memoryTerms.solverTraining)}`,
    `  disk              ${bytes(disk)} for checkpoints and both final folders`,
  ].join('\n');
}
