import type { ChatMessage } from '../roles/prompts';
import { randomAt, seedFrom, type RunContext } from './context';
import type { AgreementHistogram, Role } from './events';
import type { ReadCompletion } from './completion-reader';
import { completionMetrics, performanceMetrics, residentBytes, rewardMetrics } from './metrics';
import { shuffleRows, totals, type RewardTable } from './rewards-table';
import { sample, type Sampled } from './sampler';

/** What scoring a batch gives, beside the rewards. */
export interface Scored {
  table: RewardTable;
  /** toolr0/* metrics of this batch. */
  metrics: Record<string, number>;
  histogram?: AgreementHistogram;
}

export interface GrpoStep<R> {
  role: Role;
  /** 0 … total - 1 */
  step: number;
  total: number;
  /** One per group. */
  chats: ChatMessage[][];
  /** Of each completion when it ends, while the rollout goes on: what can be said of it alone. */
  read: ReadCompletion<R>;
  /** Of the whole batch. */
  score: (sampled: Sampled<R>) => Promise<Scored>;
}

const seconds = (since: number) => (performance.now() - since) / 1000;

/** One GRPO step of one role: rollout, rewards, advantages, optimizer step. Counts it in `state` and reports it. */
export async function grpoStep<R>(
  context: RunContext,
  { role, step, total, chats, read, score }: GrpoStep<R>,
): Promise<void> {
  const { config, engine, roles, state } = context;
  const settings = config[role];
  const random = randomAt(context, `${role} step ${step}`);
  const trainer = await roles.trainer(role);
  const started = performance.now();
  const sampled = await sample(
    roles.policy(role),
    chats,
    {
      n: settings.numGenerations,
      sampling: settings.sampling,
      seed: seedFrom(random.fork('rollout')),
      onProgress: (done, all) => context.progress('rollout', step + (0.5 * done) / all, total),
    },
    config.rollout,
    read,
  );
  const scoringStarted = performance.now();
  const scored = await score(sampled);
  const scoringSeconds = seconds(scoringStarted);
  const table = config.ablation.shuffleRewards
    ? shuffleRows(scored.table, random.fork('shuffle'))
    : scored.table;
  const { rollout } = sampled;
  const advantages = engine.advantages(table.values, {
    groupSize: settings.numGenerations,
    scale: settings.scaleRewards,
    weights: table.weights,
  });
  const rowMask = settings.maskTruncatedCompletions
    ? Uint8Array.from(rollout.finishReasons, (reason) => (reason === 'stop' ? 1 : 0))
    : undefined;
  const trainStarted = performance.now();
  context.progress('train', step + 0.7, total);
  const trained = await trainer.step({
    rollout,
    advantages: Float32Array.from(advantages.advantages),
    ...(rowMask ? { rowMask } : {}),
  });
  const trainSeconds = seconds(trainStarted);
  roles.updates[role]++;
  state.updates[role]++;
  context.budget.steps++;
  const { step: _trainerStep, ...trainerMetrics } = trained;
  context.emit({
    type: 'step',
    iteration: state.iteration,
    role,
    step: step + 1,
    total,
    globalStep: state.updates.generator + state.updates.solver,
    metrics: {
      ...rewardMetrics(table, advantages),
      ...completionMetrics(rollout),
      ...trainerMetrics,
      step_time: seconds(started),
      ...scored.metrics,
      ...performanceMetrics(
        roles.policy(role).info,
        rollout,
        {
          rolloutSeconds: sampled.seconds,
          trained,
          trainSeconds,
        },
        context.machine,
      ),
      'toolr0/seconds/rollout': sampled.seconds,
      'toolr0/seconds/reward': scoringSeconds,
      'toolr0/seconds/train': trainSeconds,
      'toolr0/tokens_per_second': sampled.tokens / Math.max(1e-9, sampled.seconds),
      'toolr0/memory_rss_bytes': residentBytes(),
    },
    ...(scored.histogram ? { histogram: scored.histogram } : {}),
  });
  logSamples(context, role, step, chats, sampled, table, advantages.advantages);
}

function logSamples(
  { config, folder, state }: RunContext,
  role: Role,
  step: number,
  chats: ChatMessage[][],
  { texts, rollout }: Pick<Sampled, 'texts' | 'rollout'>,
  table: RewardTable,
  advantages: ArrayLike<number>,
): void {
  const sums = totals(table);
  const width = table.names.length;
  // The first completion of each of the first groups: several prompts say more than one prompt's samples.
  for (let group = 0; group < Math.min(config.samplesLogged, chats.length); group++) {
    const row = group * rollout.n;
    folder.append(`samples/iteration-${state.iteration}-${role}.jsonl`, {
      step: step + 1,
      prompt: chats[group]!,
      completion: texts[row],
      finishReason: rollout.finishReasons[row],
      reward: sums[row],
      rewards: Object.fromEntries(
        table.names.map((name, column) => [name, table.values[row * width + column]]),
      ),
      advantage: advantages[row],
    });
  }
}
