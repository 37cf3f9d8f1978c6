import { RunError } from '../binding/errors';
import { solverReward } from '../rewards/solver-reward';
import type { Random } from '../tasks/random';
import type { Task } from '../tasks/task';
import { randomAt, solverChat, type RunContext, type StageOutcome } from './context';
import { grpoStep, type Scored } from './grpo-step';
import { customRewardTable, rewardTable } from './rewards-table';
import type { Sampled } from './sampler';
import { runSteps } from './steps';
import { mapYielding } from './yielding';

/**
 * The tasks of one step. The curriculum is cut into as many segments as there are steps, in order; a step draws from its own segment, so that
 * the whole range is met in order however many tasks there are. A segment too small is widened to both sides.
 */
export function curriculumBatch<T>(
  tasks: readonly T[],
  step: number,
  steps: number,
  size: number,
  random: Random,
): T[] {
  if (tasks.length <= size) return [...tasks];
  let from = Math.floor((step * tasks.length) / steps);
  let to = Math.floor(((step + 1) * tasks.length) / steps);
  const missing = size - (to - from);
  if (missing > 0) {
    from = Math.min(Math.max(0, from - Math.floor(missing / 2)), tasks.length - size);
    to = from + size;
  }
  const indices = Array.from({ length: to - from }, (_, index) => from + index);
  const chosen =
    indices.length > size
      ? random
          .shuffle(indices)
          .slice(0, size)
          .sort((a, b) => a - b)
      : indices;
  return chosen.map((index) => tasks[index]!);
}

async function score(
  context: RunContext,
  batch: readonly Task[],
  { texts, rollout }: Sampled,
): Promise<Scored> {
  const { config, hooks, published } = context;
  const { formatWeight, accuracyWeight, requireThink, strictName } = config.solver.reward;
  const taskOf = (row: number) => batch[Math.floor(row / rollout.n)]!;
  if (hooks.solverReward) {
    const reward = hooks.solverReward;
    const rows = await mapYielding(texts, (completion, row) => reward({ completion, task: taskOf(row) }));
    return { table: customRewardTable('solverReward', rows), metrics: {} };
  }
  const rewards = await mapYielding(texts, (completion, row) =>
    solverReward(completion, taskOf(row).gold, { requireThink, strictName, published }),
  );
  const solved = rewards.filter((reward) => reward.accuracy >= 1).length;
  return {
    table: rewardTable(
      ['format', 'accuracy'],
      [formatWeight, accuracyWeight],
      rewards.map((reward) => [reward.format, reward.accuracy]),
    ),
    metrics: { 'toolr0/full_score_rate': solved / rewards.length },
  };
}

/** Stage 3: the Solver learns the curriculum by GRPO. */
export async function solverStage(context: RunContext): Promise<StageOutcome> {
  const { config, state } = context;
  const { steps, promptsPerStep } = config.solver;
  if (state.tasks.length === 0 && steps > 0) {
    throw new RunError('no task to train the Solver on: the selection is empty', {
      iteration: state.iteration,
    });
  }
  const outcome = await runSteps(context, steps, async (step) => {
    const batch = curriculumBatch(
      state.tasks,
      step,
      steps,
      promptsPerStep,
      randomAt(context, `curriculum ${step}`),
    );
    await grpoStep(context, {
      role: 'solver',
      step,
      total: steps,
      chats: batch.map((task) => solverChat(context, 'training', task)),
      score: (sampled) => score(context, batch, sampled),
    });
    // p̂ was measured with a Solver that is no more.
    state.probes = {};
  });
  await context.roles.rest('solver');
  return outcome;
}
