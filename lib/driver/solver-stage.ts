import { RunError } from '../binding/errors';
import { solverReward, type SolverReward } from '../rewards/solver-reward';
import type { Random } from '../tasks/random';
import type { Task } from '../tasks/task';
import { randomAt, solverChat, type RunContext, type StageOutcome } from './context';
import { epochBatch, epochOrder } from './epochs';
import { grpoStep, type Scored } from './grpo-step';
import type { CustomReward, TrainHooks } from './hooks';
import { measureIfDue } from './measure-stage';
import { customRewardTable, rewardTable } from './rewards-table';
import type { Sampled } from './sampler';
import { asSolverMeets } from './solver-menu';
import { runSteps } from './steps';

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

/** The caller's reward of each completion. */
function customScoring(batch: readonly Task[], n: number, reward: NonNullable<TrainHooks['solverReward']>) {
  return {
    read: (completion: string, row: number) => reward({ completion, task: batch[Math.floor(row / n)]! }),
    score: async ({ readings }: Sampled<CustomReward>): Promise<Scored> => ({
      table: customRewardTable('solverReward', readings),
      metrics: {},
    }),
  };
}

/** Tool-R0's reward of each completion. */
function ownScoring(context: RunContext, batch: readonly Task[], n: number) {
  const { config, published } = context;
  const { requireThink, strictName } = config.solver.reward;
  // Generated tasks always have calls; given ones may want none.
  const options = { requireThink, strictName, published, allowNoCall: config.tasks !== null };
  return {
    read: (completion: string, row: number) =>
      solverReward(completion, batch[Math.floor(row / n)]!.gold, options),
    score: async ({ readings }: Sampled<SolverReward>) => rewardsOf(context, readings),
  };
}

function rewardsOf({ config }: RunContext, rewards: readonly SolverReward[]): Scored {
  const { formatWeight, accuracyWeight } = config.solver.reward;
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

/** The tasks of each step of this iteration: of the curriculum, or of the epochs over given tasks. */
function batches(context: RunContext): (step: number) => Task[] {
  const { config, random, state, trainingTasks } = context;
  const { steps, promptsPerStep } = config.solver;
  if (trainingTasks) {
    const { length } = trainingTasks;
    const order = epochOrder(length, promptsPerStep, random.fork('training tasks'));
    return (step) => {
      const position = ((state.iteration - 1) * steps + step) * promptsPerStep;
      const chosen = epochBatch(order, length, position, promptsPerStep);
      return chosen.map((index) => asSolverMeets(trainingTasks[index]!, config));
    };
  }
  if (state.tasks.length === 0 && steps > 0) {
    throw new RunError('no task to train the Solver on: the selection is empty', {
      iteration: state.iteration,
    });
  }
  return (step) =>
    curriculumBatch(state.tasks, step, steps, promptsPerStep, randomAt(context, `curriculum ${step}`));
}

/** Stage 3: the Solver learns the curriculum, or the tasks it is given, by GRPO. */
export async function solverStage(context: RunContext): Promise<StageOutcome> {
  const { config, state } = context;
  const { steps } = config.solver;
  const batchOf = batches(context);
  const outcome = await runSteps(context, steps, async (step) => {
    if ((await measureIfDue(context, step)) === 'stopped') return 'stopped';
    const batch = batchOf(step);
    const request = {
      role: 'solver' as const,
      step,
      total: steps,
      chats: batch.map((task) => solverChat(context, 'training', task)),
    };
    const n = config.solver.numGenerations;
    const own = context.hooks.solverReward;
    if (own) await grpoStep(context, { ...request, ...customScoring(batch, n, own) });
    else await grpoStep(context, { ...request, ...ownScoring(context, batch, n) });
    // p̂ was measured with a Solver that is no more.
    state.probes = {};
    return 'done';
  });
  await context.roles.rest('solver');
  return outcome;
}
