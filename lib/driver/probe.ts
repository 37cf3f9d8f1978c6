import type { Config, SamplingConfig } from '../config';
import { judgeVerdict, coherenceOfScore } from '../roles/judge-reader';
import { sha1 } from '../text';
import type { Task } from '../tasks/task';
import type { SolverStage } from '../roles/solver-prompt';
import { seedFrom, solverChat, type RunContext } from './context';
import { readNothing, sample, textsOf } from './sampler';
import type { Random } from '../tasks/random';

export type TaskContent = Pick<Task, 'question' | 'tools' | 'gold'>;

/** The same for tasks that a Solver cannot tell apart and that ask for the same calls. */
export const contentKey = (task: TaskContent): string =>
  sha1(JSON.stringify([task.question, task.tools, task.gold]));

/** Replies asked of a judge at once; the first readable one counts. */
const JUDGE_ATTEMPTS = 3;

export interface ProbeRequest {
  samples: number;
  sampling: SamplingConfig;
  stage: SolverStage;
  random: Random;
  onProgress?: (done: number, total: number) => void;
}

/** The Solver's answers to each task, as one batched rollout; a task that occurs twice is asked once. */
export async function solverAnswers(
  context: RunContext,
  tasks: readonly TaskContent[],
  { samples, sampling, stage, random, onProgress }: ProbeRequest,
): Promise<{ texts: string[][]; seconds: number; tokens: number }> {
  const firstOf = new Map<string, number>();
  const unique: TaskContent[] = [];
  const slots = tasks.map((task) => {
    const key = contentKey(task);
    if (!firstOf.has(key)) firstOf.set(key, unique.push(task) - 1);
    return firstOf.get(key)!;
  });
  if (unique.length === 0) return { texts: [], seconds: 0, tokens: 0 };
  const sampled = await sample(
    context.roles.policy('solver'),
    unique.map((task) => solverChat(context, stage, task)),
    { n: samples, sampling, seed: seedFrom(random), ...(onProgress ? { onProgress } : {}) },
    context.config.rollout,
    readNothing,
  );
  return {
    texts: slots.map((slot) => textsOf(sampled, slot)),
    seconds: sampled.seconds,
    tokens: sampled.tokens,
  };
}

/** Coherence of each task from 0 to 1, by the Solver as a judge. */
export async function judgeCoherence(
  context: RunContext,
  tasks: readonly TaskContent[],
  random: Random,
): Promise<number[]> {
  if (tasks.length === 0) return [];
  const { config, prompts, published } = context;
  const sampled = await sample(
    context.roles.policy('solver'),
    tasks.map((task) => prompts.judge(task.question, task.tools, task.gold)),
    { n: JUDGE_ATTEMPTS, sampling: config.generator.judge.sampling, seed: seedFrom(random) },
    config.rollout,
    readNothing,
  );
  return tasks.map((_, index) => coherenceOfScore(judgeVerdict(textsOf(sampled, index), published).score));
}

/** Whether a probe of the Generator's training says what verification would ask again. */
export function probesServeVerification({ generator, curation }: Config): boolean {
  const { probe } = generator;
  const { verify } = curation;
  const sameSampling = JSON.stringify(probe.sampling) === JSON.stringify(verify.sampling);
  return curation.reuseProbes && sameSampling && probe.samples >= verify.samples;
}
