import { mean } from '../eval/accuracy';
import { assessGeneratorCompletion, type GeneratorAssessment } from '../rewards/generator-assessment';
import { generatorReward, type GeneratorReward, type GeneratorRewardOptions } from '../rewards/generator';
import { repetitionPenalties } from '../rewards/repetition';
import { repeatedToolName } from '../tasks/menu';
import type { Random } from '../tasks/random';
import { sampleSpecs, type SpecTable } from '../tasks/spec';
import type { ControlSpec } from '../tasks/task';
import { randomAt, type RunContext, type StageOutcome } from './context';
import { grpoStep, type Scored } from './grpo-step';
import { agreementHistogram, countBy } from './metrics';
import {
  contentKey,
  judgeCoherence,
  probesServeVerification,
  solverAnswers,
  type TaskContent,
} from './probe';
import { customRewardTable, rewardTable, type RewardTable } from './rewards-table';
import { asSolverMeets } from './solver-menu';
import { runSteps } from './steps';
import { mapYielding } from '../io/yielding';

/** The distribution of control specs, without the domain that the published code never draws when that is asked for. */
export function specTable({ config, published }: Pick<RunContext, 'config' | 'published'>): SpecTable {
  if (!published.weightlessCustomerSupport) return config.spec;
  const { customer_support: _never, ...domains } = config.spec.domains;
  return { ...config.spec, domains };
}

/** The options of the Generator's reward. */
export function generatorRewardOptions({
  config,
  published,
}: Pick<RunContext, 'config' | 'published'>): GeneratorRewardOptions {
  const { reward, judge, probe } = config.generator;
  const noDifficulty = config.ablation.noDifficulty;
  // Without a judge the difficulty takes the coherence's share; an ablation of the difficulty must not bring it back.
  const shares = {
    difficulty: noDifficulty ? 0 : reward.difficultyShare,
    coherence: noDifficulty && judge.by === 'none' ? 0 : reward.coherenceShare,
  };
  return {
    published,
    specGate: reward.specGate,
    requireFullValidity: reward.requireFullValidity,
    declaredArgumentsOnly: reward.declaredArgumentsOnly,
    requireThink: config.solver.reward.requireThink,
    curriculumShares: shares,
    band: { ...reward.band, samples: probe.samples },
    judge: judge.by,
  };
}

/** A completion with what is known about it. */
interface Row {
  completion: string;
  spec: ControlSpec;
  assessment: GeneratorAssessment;
  /** As a Solver would meet it; undefined where there is nothing to probe. */
  task?: TaskContent;
  answers?: string[];
  coherence?: number;
  reward?: GeneratorReward;
}

/** Reads what the Generator wrote: its task, and whether the Solver should be asked about it. */
function rowReader(context: RunContext, specs: readonly ControlSpec[]) {
  const options = generatorRewardOptions(context);
  const n = context.config.generator.numGenerations;
  return (completion: string, row: number): Row => {
    const spec = specs[Math.floor(row / n)]!;
    const assessment = assessGeneratorCompletion(completion, spec, options);
    const { task, worthProbing } = assessment;
    if (!worthProbing || task === null) return { completion, spec, assessment };
    return { completion, spec, assessment, task: asSolverMeets(task, context.config) };
  };
}

/** Asks the Solver (and the judge) about every row worth it: one batch each. */
async function probeRows(
  context: RunContext,
  rows: readonly Row[],
  random: Random,
): Promise<{ probe: number; judge: number }> {
  const { config, hooks } = context;
  const { probe, judge } = config.generator;
  const asked = rows.filter((row) => row.task !== undefined);
  const tasks = asked.map((row) => row.task!);
  const seconds = { probe: 0, judge: 0 };
  if (!config.ablation.noDifficulty || judge.by === 'consistency') {
    const answers = await solverAnswers(context, tasks, {
      ...probe,
      stage: 'probe',
      random: random.fork('probe'),
    });
    asked.forEach((row, index) => (row.answers = answers.texts[index]!));
    seconds.probe = answers.seconds;
  }
  const started = performance.now();
  const own = hooks.judge;
  if (own || judge.by === 'solver') {
    const scores = own ? await own(tasks) : await judgeCoherence(context, tasks, random.fork('judge'));
    asked.forEach((row, index) => (row.coherence = scores[index]!));
    seconds.judge = (performance.now() - started) / 1000;
  }
  return seconds;
}

async function rewardRows(context: RunContext, rows: readonly Row[]): Promise<RewardTable> {
  const { config, hooks } = context;
  const { formatWeight, validityWeight, curriculumWeight, repetitionPenalty } = config.generator.reward;
  const options = generatorRewardOptions(context);
  const penalties =
    repetitionPenalty > 0
      ? repetitionPenalties(rows.map((row) => row.assessment.task?.question ?? null))
      : undefined;
  await mapYielding(rows, (row, index) => {
    row.reward = generatorReward(row.completion, {
      ...options,
      spec: row.spec,
      assessment: row.assessment,
      ...(row.answers ? { solverCompletions: row.answers } : {}),
      ...(row.coherence === undefined ? {} : { coherence: row.coherence }),
      ...(penalties ? { repetitionPenalty: penalties[index]! } : {}),
    });
  });
  if (hooks.generatorReward) {
    const reward = hooks.generatorReward;
    const custom = await mapYielding(rows, (row) =>
      reward({
        completion: row.completion,
        spec: row.spec,
        ...(row.assessment.task
          ? { question: row.assessment.task.question, gold: row.assessment.task.gold }
          : {}),
        ...(typeof row.reward!.passRate === 'number' ? { agreement: row.reward!.passRate } : {}),
      }),
    );
    return customRewardTable('generatorReward', custom);
  }
  const names = ['format', 'validity', 'curriculum', ...(penalties ? ['repetition'] : [])];
  const weights = [formatWeight, validityWeight, curriculumWeight, ...(penalties ? [repetitionPenalty] : [])];
  return rewardTable(
    names,
    weights,
    rows.map(({ reward }, index) => [
      reward!.format,
      reward!.validity,
      reward!.curriculum,
      ...(penalties ? [penalties[index]!] : []),
    ]),
  );
}

/** toolr0/* metrics of a batch of generated tasks. */
function taskMetrics(rows: readonly Row[], agreements: readonly number[]): Record<string, number> {
  const share = (test: (row: Row) => boolean) => rows.filter(test).length / rows.length;
  const probed = rows.filter((row) => row.task !== undefined);
  const average = (values: number[]) => (values.length === 0 ? 0 : mean(values));
  const reasons = countBy(rows, (row) => row.assessment.reason);
  return {
    'toolr0/valid_task_rate': share((row) => row.task !== undefined && row.assessment.validity === 1),
    'toolr0/probed_rate': share((row) => row.task !== undefined),
    'toolr0/duplicate_tool_rate': share((row) => repeatedToolName(row.assessment.task?.tools ?? []) !== null),
    'toolr0/p_mean': average([...agreements]),
    'toolr0/difficulty_mean': average(probed.map((row) => row.reward!.parts.difficulty)),
    'toolr0/coherence_mean': average(probed.map((row) => row.reward!.parts.coherence)),
    ...Object.fromEntries(
      Object.entries(reasons).map(([reason, count]) => [`toolr0/reject/${reason}`, count / rows.length]),
    ),
  };
}

async function score(context: RunContext, step: number, rows: readonly Row[]): Promise<Scored> {
  const { config, state } = context;
  const { samples } = config.generator.probe;
  context.progress('probe', step + 0.5, config.generator.steps);
  const seconds = await probeRows(context, rows, randomAt(context, `generator step ${step}`));
  const table = await rewardRows(context, rows);
  const probed = rows.filter((row) => row.answers && typeof row.reward!.passRate === 'number');
  const agreements = probed.map((row) => row.reward!.passRate!);
  if (probesServeVerification(config)) {
    probed.forEach(
      (row, index) => (state.probes[contentKey(row.task!)] = { agreement: agreements[index]!, samples }),
    );
  }
  return {
    table,
    metrics: {
      ...taskMetrics(rows, agreements),
      'toolr0/seconds/probe': seconds.probe,
      'toolr0/seconds/judge': seconds.judge,
    },
    histogram: agreementHistogram(agreements, samples),
  };
}

/** Stage 1: the Generator learns to write valid tasks at the edge of what the present Solver, which stands still, can do. */
export async function generatorStage(context: RunContext): Promise<StageOutcome> {
  const { config, prompts } = context;
  const { steps, promptsPerStep, controlSpecs } = config.generator;
  const pool = sampleSpecs(randomAt(context, 'control specs'), controlSpecs, specTable(context));
  const outcome = await runSteps(context, steps, (step) => {
    const specs = Array.from(
      { length: promptsPerStep },
      (_, index) => pool[(step * promptsPerStep + index) % pool.length]!,
    );
    return grpoStep(context, {
      role: 'generator',
      step,
      total: steps,
      chats: specs.map((spec) => prompts.generator(spec)),
      read: rowReader(context, specs),
      score: ({ readings }) => score(context, step, readings),
    });
  });
  await context.roles.rest('generator');
  return outcome;
}
