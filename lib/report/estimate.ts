import type { Config } from '../config';
import { metText } from '../driver/epochs';
import { rolesOf } from '../driver/roles';
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

/** What is known of the data behind a run. */
export interface PlannedData {
  /** Usable tasks of the file that the Solver is trained on (`tasks`). */
  tasks?: number;
  /** Tasks of the file that are set aside for measuring, instead of `evaluation.tasks` others. */
  aside?: number;
  /** Records of all benchmarks put to the Solver at a measurement. */
  benchmarkRecords?: number;
}

/** What belongs to the Generator is absent where the tasks are given. */
export interface Estimate {
  /** Generated tokens of the whole run if every completion were as long as allowed. */
  mostTokens: Partial<Record<SelfPlayWork, number>> & { solver: number; measuring: number };
  /** Bytes at the peak of each phase. */
  memory: { rollout: number; generatorTraining?: number; solverTraining: number };
  /** What each of these sums consists of. */
  memoryTerms: { rollout: MemoryTerms; generatorTraining?: MemoryTerms; solverTraining: MemoryTerms };
  /** The role that is not needed waits in host memory, which `memory` leaves out. */
  offloadsIdleRole: boolean;
  /** Bytes: checkpoints kept and final folders. */
  disk: number;
  /** How many of the given tasks the run meets, for people. */
  tasksMet?: string;
}

type SelfPlayWork = 'generator' | 'probes' | 'synthesis' | 'verification';

/** Master and two moments; gradients are not saved. */
const STATE_BYTES_PER_PARAMETER = 12;
/** The engine decodes at most so many sequences at once when nothing is set. */
const TYPICAL_BATCH = 256;
/** Typical lengths: full instructions with a menu of tools, and the embedded model's templates. */
const PROMPT_TOKENS = { standard: 1000, compact: 100 };

/** Longest answer to a benchmark's record, whatever is allowed. */
const BENCHMARK_TOKENS = 512;

function selfPlayTokens(config: Config): Record<SelfPlayWork, number> {
  const { generator, synthesis, curation, iterations } = config;
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
  };
}

function tokens(config: Config, { aside = 0, benchmarkRecords = 0 }: PlannedData): Estimate['mostTokens'] {
  const { solver, evaluation, evalEvery, iterations } = config;
  const { maxNewTokens } = evaluation.sampling;
  const within = evalEvery > 0 ? Math.floor(Math.max(0, solver.steps - 1) / evalEvery) : 0;
  const measurement =
    (aside || evaluation.tasks) * (evaluation.samples + 1) * maxNewTokens +
    benchmarkRecords * Math.min(BENCHMARK_TOKENS, maxNewTokens);
  return {
    ...(config.tasks === null ? selfPlayTokens(config) : {}),
    solver:
      iterations *
      solver.steps *
      solver.promptsPerStep *
      solver.numGenerations *
      solver.sampling.maxNewTokens,
    measuring: (1 + iterations * (1 + within)) * measurement,
  };
}

type RoleName = 'generator' | 'solver';

/** Whether the role that is not needed waits in host memory (Roles.makeRoomFor). */
function offloads(config: Config, size: ModelSize, { cuda, totalBytes }: PlanDevice): boolean {
  if (config.tasks !== null) return false;
  if (config.offloadIdleRole !== 'auto') return config.offloadIdleRole === 'always';
  return cuda && totalBytes !== undefined && !holdsBothRoles(size.parameters, totalBytes);
}

function rolloutTerms(config: Config, size: ModelSize, device: PlanDevice): MemoryTerms {
  const { generator, solver, synthesis, evaluation, rollout } = config;
  const others = config.tasks === null ? [generator, synthesis] : [evaluation];
  const newTokens = Math.max(...[solver, ...others].map(({ sampling }) => sampling.maxNewTokens));
  const sequences = rollout.maxBatch || TYPICAL_BATCH;
  const roles = rolesOf(config).length;
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
    { policies: roles, trainers: apart ? 1 : roles },
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
  const roles = rolesOf(config).length;
  const alone = away && role === 'solver';
  return trainingMemory(
    size,
    device,
    { tokens: packed, scored: packed, checkpointing: activationCheckpointing },
    {
      policies: (alone ? 1 : roles) + (loss.beta > 0 ? 1 : 0),
      trainers: away || config.offloadIdleTrainer ? 1 : roles,
    },
  );
}

/**
 * What a run will cost at most, from the sizes in config.json. Memory follows from the lengths given: measured peaks lay within 10 % of
 * the plan (test/report/memory-plan.test.ts); lengths of prompts are assumed.
 */
export function estimate(
  config: Config,
  size: ModelSize,
  device: PlanDevice,
  data: PlannedData = {},
): Estimate {
  const weights = size.parameters * device.weightBytes;
  const role = weights + size.parameters * STATE_BYTES_PER_PARAMETER;
  const roles = rolesOf(config).length;
  const terms = {
    rollout: rolloutTerms(config, size, device),
    ...(roles > 1 ? { generatorTraining: trainingTerms(config, size, device, 'generator') } : {}),
    solverTraining: trainingTerms(config, size, device, 'solver'),
  };
  return {
    mostTokens: tokens(config, data),
    memory: {
      rollout: total(terms.rollout),
      ...(terms.generatorTraining ? { generatorTraining: total(terms.generatorTraining) } : {}),
      solverTraining: total(terms.solverTraining),
    },
    memoryTerms: terms,
    offloadsIdleRole: offloads(config, size, device),
    // One checkpoint more than is kept while the next is written; an unchanged role is linked, which is not counted on.
    disk: (config.checkpoint.keep + 1) * roles * role + roles * weights,
    ...(data.tasks === undefined ? {} : { tasksMet: metText(config, data.tasks) }),
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
  const { mostTokens, memory, memoryTerms, offloadsIdleRole, disk, tasksMet } = plan;
  const generated = Object.values(mostTokens).reduce((sum, value) => sum + value, 0);
  const parts = Object.entries(mostTokens).map(([name, value]) => `${name} ${count(value)}`);
  const phases: [string, string, number | undefined, MemoryTerms | undefined][] = [
    ['rollouts', 'rollouts', memory.rollout, memoryTerms.rollout],
    ['Generator training', 'Generator step', memory.generatorTraining, memoryTerms.generatorTraining],
    ['Solver training', 'Solver step', memory.solverTraining, memoryTerms.solverTraining],
  ];
  const there = phases.flatMap(([phase, step, sum, terms]) =>
    sum === undefined || terms === undefined ? [] : [{ phase, step, sum, terms }],
  );
  const sums = there.map(({ phase, sum }) => `${phase} ${bytes(sum)}`).join(', ');
  return [
    'estimate (rough; tokens if every completion were as long as allowed)',
    ...(tasksMet === undefined ? [] : [`  tasks             ${tasksMet}`]),
    `  generated tokens  at most ${count(generated)}: ${parts.join(', ')}`,
    `  memory            ${sums}${offloadsIdleRole ? '; the idle role waits in host memory' : ''}`,
    ...there.map(({ step, terms }) => `    ${step.padEnd(16)}  ${termsText(terms)}`),
    `  disk              ${bytes(disk)} for checkpoints and ${there.length > 2 ? 'both final folders' : 'the final folder'}`,
  ].join('\n');
}
