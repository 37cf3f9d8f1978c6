import { grpoAdvantages } from '../policy/grpo-loss';
import { Policy, type GenerateOptions } from '../policy/policy';
import type { Rollout } from '../policy/rollout';
import { Trainer } from '../policy/trainer';
import { Random } from '../tasks/random';
import { iterationPlan, type IterationPlan } from './iteration';
import { timesDecoding } from './limits';
import { mismatchOf } from './mismatch';
import type { Mismatch, Workload } from './types';

export interface OwnRequest {
  repetition?: number;
  warmUp?: boolean;
}

export interface OwnResult {
  seconds: number;
  tokens: number;
  phases?: Record<string, number>;
  /** Floating-point operations of the training part. */
  trainFlops?: number;
  mismatch?: Mismatch;
  /** One completed row with what was sampled, for the check against another implementation. */
  checked?: { sequence: number[]; promptTokens: number; logprobs: number[] };
}

export interface OwnSuite {
  stateBytes: number | null;
  repetition: (request: OwnRequest) => Promise<OwnResult>;
}

const clock = () => {
  const start = process.hrtime.bigint();
  return () => Number(process.hrtime.bigint() - start) / 1e9;
};

/** fp32 master values, gradients and two moments; in bf16 the copy that is computed with comes on top. */
const stateBytesOf = ({ info }: Policy) => info.parameterCount * (info.dtype === 'bfloat16' ? 18 : 16);

/** Every row has its length, every id is one of the vocabulary, every log-probability one of a distribution. */
function checkRollout(rollout: Rollout, rows: number, length: number, vocabulary: number): void {
  if (rollout.tokens.length !== rows * length)
    throw new Error(`${rollout.tokens.length} tokens came instead of ${rows * length}`);
  if (rollout.tokens.some((token) => token < 0 || token >= vocabulary))
    throw new Error('a token outside the vocabulary');
  if (rollout.logprobs.some((value) => !(value <= 0 && value > -Infinity)))
    throw new Error('a log-probability that is none');
}

async function rolloutSuite(policy: Policy, workload: Workload): Promise<OwnSuite> {
  const { n, newTokens, seed } = workload;
  return {
    stateBytes: null,
    async repetition({ repetition = 0, warmUp = false }) {
      const prompts = warmUp ? workload.prompts.slice(0, 1) : workload.prompts;
      const elapsed = clock();
      const rollout = await policy.generate(prompts, {
        n,
        maxNewTokens: newTokens,
        ignoreEos: true,
        seed: seed + repetition,
        maxBatch: workload.prompts.length * n,
      });
      const seconds = elapsed();
      checkRollout(rollout, prompts.length * n, newTokens, policy.info.vocabSize);
      const { prefillSeconds, decodeSeconds } = rollout.stats;
      const result: OwnResult = {
        seconds: timesDecoding(workload) ? decodeSeconds : seconds,
        tokens: rollout.tokens.length,
        phases: { prefillSeconds, decodeSeconds },
      };
      if (!warmUp) return result;
      const sequence = [...prompts[0]!, ...rollout.row(0)];
      const checked = { sequence, promptTokens: prompts[0]!.length, logprobs: [...rollout.rowLogprobs(0)] };
      return { ...result, mismatch: await mismatchOf(policy, rollout), checked };
    },
  };
}

/** Rows cut at their lengths, as if they had ended there. */
export function cutRows(
  rollout: Pick<Rollout, 'prompts' | 'n' | 'offsets' | 'tokens' | 'logprobs'>,
  lengths: readonly number[],
) {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const tokens = new Int32Array(total);
  const logprobs = new Float32Array(total);
  const offsets = new Int32Array(lengths.length + 1);
  lengths.forEach((length, row) => {
    const from = rollout.offsets[row]!;
    tokens.set(rollout.tokens.subarray(from, from + length), offsets[row]);
    logprobs.set(rollout.logprobs.subarray(from, from + length), offsets[row]);
    offsets[row + 1] = offsets[row]! + length;
  });
  return { prompts: rollout.prompts, n: rollout.n, tokens, offsets, logprobs };
}

const trivialAdvantages = (rows: number, n: number): Float32Array =>
  Float32Array.from(
    grpoAdvantages(
      Float64Array.from({ length: rows }, (_, row) => row % 2),
      { groupSize: n },
    ).advantages,
  );

async function grpoSuite(policy: Policy, workload: Workload): Promise<OwnSuite> {
  const { prompts, n, newTokens, lengths, learningRate, seed } = workload;
  const trainer = await Trainer.create(policy, { learningRate });
  return {
    stateBytes: stateBytesOf(policy),
    async repetition({ repetition = 0, warmUp = false }) {
      const elapsed = clock();
      // Rows run on to the longest one's length, as a padded batch does; what is beyond a row's own length is not trained.
      const rollout = await policy.generate(prompts, {
        n,
        maxNewTokens: newTokens,
        ignoreEos: true,
        seed: seed + repetition,
        maxBatch: prompts.length * n,
      });
      const generateSeconds = elapsed();
      const cut = cutRows(rollout, lengths);
      const advantages = trivialAdvantages(rollout.rows, n);
      const mismatch = warmUp ? await mismatchOf(policy, rollout) : undefined;
      const metrics = await trainer.step({ rollout: cut, advantages });
      const seconds = elapsed();
      if (!Number.isFinite(metrics['loss']) || !(metrics['grad_norm']! > 0))
        throw new Error(`the step did not train: loss ${metrics['loss']}, grad_norm ${metrics['grad_norm']}`);
      return {
        seconds,
        tokens: cut.tokens.length,
        phases: { generateSeconds, trainSeconds: seconds - generateSeconds },
        ...(metrics['toolr0/train_flops'] === undefined ? {} : { trainFlops: metrics['toolr0/train_flops'] }),
        ...(mismatch ? { mismatch } : {}),
      };
    },
  };
}

async function headSuite(policy: Policy, { prompts, learningRate }: Workload): Promise<OwnSuite> {
  const trainer = await Trainer.create(policy, { learningRate });
  const length = prompts[0]!.length;
  const tokens = Int32Array.from(prompts.flat());
  const offsets = Int32Array.from({ length: prompts.length + 1 }, (_, index) => index * length);
  const weights = Float32Array.from(tokens, (_, index) => (index % length === 0 ? 0 : 1));
  return {
    stateBytes: stateBytesOf(policy),
    async repetition() {
      const elapsed = clock();
      const metrics = await trainer.languageModelForwardBackward({ tokens, offsets, weights });
      const seconds = elapsed();
      if (!Number.isFinite(metrics['loss'])) throw new Error('the loss is not finite');
      await trainer.zeroGradients();
      return { seconds, tokens: tokens.length };
    },
  };
}

/** A random share of the ids ends a completion, so that lengths are geometric with this mean. */
function stopIds(vocabulary: number, meanTokens: number, random: Random): number[] {
  const count = Math.max(1, Math.round(vocabulary / meanTokens));
  const ids = new Set<number>();
  while (ids.size < count) ids.add(random.int(0, vocabulary - 1));
  return [...ids];
}

async function iterationSuite(policy: Policy, workload: Workload): Promise<OwnSuite> {
  const plan: IterationPlan = iterationPlan(workload.shape);
  const { vocabSize } = policy.info;
  const reference = { learningRate: workload.learningRate };
  const trainer = await Trainer.create(policy, reference);
  const random = Random.seeded(workload.seed);
  const stops = {
    generator: stopIds(vocabSize, plan.generator.meanTokens, random),
    solver: stopIds(vocabSize, plan.solver.meanTokens, random),
  };
  let seed = 0;
  const ask = (role: 'generator' | 'solver', count: number, n: number, options: GenerateOptions = {}) => {
    const { promptTokens, maxTokens } = plan[role];
    const prompts = Array.from({ length: count }, () =>
      Array.from({ length: promptTokens }, () => random.int(0, vocabSize - 1)),
    );
    seed++;
    return policy.generate(prompts, {
      n,
      maxNewTokens: maxTokens,
      stopTokenIds: stops[role],
      seed,
      ...options,
    });
  };
  return {
    stateBytes: stateBytesOf(policy),
    async repetition({ warmUp = false }) {
      const phases: Record<string, number> = {};
      let tokens = 0;
      const timed = async <T>(phase: string, work: () => Promise<T>): Promise<T> => {
        const elapsed = clock();
        const result = await work();
        phases[phase] = (phases[phase] ?? 0) + elapsed();
        return result;
      };
      const rolled = async (phase: string, role: 'generator' | 'solver', count: number, n: number) => {
        const rollout = await timed(phase, () => ask(role, count, n));
        tokens += rollout.tokens.length;
        return rollout;
      };
      const train = (phase: string, rollout: Rollout) =>
        timed(phase, () => trainer.step({ rollout, advantages: trivialAdvantages(rollout.rows, rollout.n) }));
      const { generator, solver, synthesis, verification, probe } = plan;
      const elapsed = clock();
      for (let step = 0; step < (warmUp ? 1 : generator.steps); step++) {
        const rollout = await rolled('generator rollout', 'generator', generator.prompts, generator.n);
        await rolled('generator probe', 'solver', rollout.rows, probe);
        await train('generator train', rollout);
      }
      for (let done = 0; done < (warmUp ? 1 : synthesis.candidates); done += synthesis.batch)
        await rolled('synthesis', 'generator', Math.min(synthesis.batch, synthesis.candidates - done), 1);
      for (let done = 0; done < (warmUp ? 1 : synthesis.candidates); done += verification.batch)
        await rolled(
          'verification',
          'solver',
          Math.min(verification.batch, synthesis.candidates - done),
          verification.samples,
        );
      for (let step = 0; step < (warmUp ? 1 : solver.steps); step++)
        await train('solver train', await rolled('solver rollout', 'solver', solver.prompts, solver.n));
      return { seconds: elapsed(), tokens, phases };
    },
  };
}

/** Loads the workload's model and gives what one repetition of its suite does. */
export async function ownRepetition(workload: Workload): Promise<OwnSuite> {
  const { modelDir, device, dtype, suite } = workload;
  const policy = await Policy.load(modelDir, { device: device as 'cpu', dtype });
  switch (suite) {
    case 'rollout':
    case 'batch':
    case 'context':
      return rolloutSuite(policy, workload);
    case 'grpo-step':
      return grpoSuite(policy, workload);
    case 'logprob-head':
      return headSuite(policy, workload);
    case 'iteration':
      return iterationSuite(policy, workload);
  }
}
