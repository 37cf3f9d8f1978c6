import { Random } from '../tasks/random';
import { iterationPlan, type IterationPlan } from './iteration';
import { SHAPES, type ShapeName } from './shapes';
import type { Dtype, Suite, Workload } from './types';

/** The sizes of one measured point. */
export interface Point {
  suite: Suite;
  shape: ShapeName;
  prompts: number;
  n: number;
  promptTokens: number;
  /** Completions end at a length drawn uniformly from here; equal bounds = all alike. */
  newTokens: readonly [shortest: number, longest: number];
  /** What the row's figure is. */
  metric: string;
}

const point = (
  suite: Suite,
  shape: ShapeName,
  [prompts, promptTokens, n]: readonly [number, number, number],
  newTokens: readonly [number, number],
  metric: string,
): Point => ({ suite, shape, prompts, promptTokens, n, newTokens, metric });

/** The points of a suite for a shape on a device; empty where it is not measured. Sizes are the ones of the project's targets. */
export function pointsOf(suite: Suite, shape: ShapeName, device: string): Point[] {
  const onCpu = device === 'cpu';
  const isEmbedded = shape === 'embedded';
  switch (suite) {
    case 'rollout':
      if (!onCpu) return [point(suite, shape, [32, 1000, 8], [256, 256], 'tok/s')];
      return isEmbedded
        ? [point(suite, shape, [8, 70, 8], [128, 128], 'tok/s')]
        : [point(suite, shape, [8, 512, 8], [64, 64], 'tok/s')];
    case 'grpo-step':
      if (!onCpu)
        return [point(suite, shape, [4, 256, 8], [128, 384], 'tok/s of completions, generation included')];
      return isEmbedded
        ? [point(suite, shape, [16, 70, 8], [32, 128], 'tok/s of completions, generation included')]
        : [point(suite, shape, [2, 256, 4], [32, 128], 'tok/s of completions, generation included')];
    case 'logprob-head': {
      const tokens = onCpu ? (isEmbedded ? 4096 : 512) : 16384;
      const sequence = onCpu ? 256 : 1024;
      return [point(suite, shape, [tokens / sequence, sequence, 1], [0, 0], 'tok/s forward and backward')];
    }
    case 'iteration':
      return [point(suite, shape, [0, 0, 0], [0, 0], 'tok/s generated, whole iteration')];
    case 'batch':
      if (onCpu)
        return [16, 64, 256].map((rows) =>
          point(suite, shape, [rows / 8, 70, 8], [128, 128], `tok/s at batch ${rows}`),
        );
      // Context 1,500 on average. Without shared prompts the limit is the one usually quoted.
      return [
        point(suite, shape, [32, 1250, 1], [500, 500], 'decode tok/s at batch 32, no shared prompts'),
        point(suite, shape, [256, 1250, 1], [500, 500], 'decode tok/s at batch 256, no shared prompts'),
        point(suite, shape, [32, 1250, 8], [500, 500], 'decode tok/s at batch 256, prompts shared by 8'),
      ];
    case 'context':
      return [256, 1024, 2048, 4096].map((length) =>
        point(suite, shape, [4, length - 64, 4], [64, 64], `decode tok/s at context ${length}`),
      );
  }
}

const iterationText = ({ generator, synthesis, verification, solver, scale }: IterationPlan): string =>
  `${generator.steps} + ${solver.steps} steps, ${synthesis.candidates} candidates × k ${verification.samples}${scale === 1 ? '' : `, 1/${scale} of an iteration`}`;

/** For people: `8 × 70 tokens × n 8, 32–128 new`. */
export function pointText({ suite, shape, prompts, promptTokens, n, newTokens: [low, high] }: Point): string {
  if (suite === 'iteration') return iterationText(iterationPlan(shape));
  const sequences = `${prompts} × ${promptTokens} tokens`;
  if (suite === 'logprob-head') return sequences;
  return `${sequences} × n ${n}, ${low === high ? low : `${low}–${high}`} new`;
}

/** Ids below this are left out: they are the special ones of a real vocabulary, and the end of sequence here. */
const FIRST_WORD = 16;

/** Prompts and lengths, the same for every side and every run with this seed. */
export function workloadOf(
  { suite, shape, prompts, n, promptTokens, newTokens: [low, high] }: Point,
  place: { modelDir: string; device: string; dtype: Dtype; threads: number; seed: number },
): Workload {
  const random = Random.seeded(place.seed).fork(`${suite} ${shape}`);
  const vocabulary = SHAPES[shape].vocab_size;
  return {
    suite,
    shape,
    ...place,
    prompts: Array.from({ length: prompts }, () =>
      Array.from({ length: promptTokens }, () => random.int(FIRST_WORD, vocabulary - 1)),
    ),
    n,
    newTokens: high,
    lengths: Array.from({ length: prompts * n }, () => random.int(low, high)),
    learningRate: 1e-6,
  };
}
