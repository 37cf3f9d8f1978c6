import type { AddonLossInputs } from '../binding/addon';
import { grpoAdvantages, grpoLoss, type GrpoLossOptions } from '../policy/grpo-loss';
import { expectClose } from './rows';
import { checkJsonl, expectEqual, type FileResult } from './types';

type Matrix = (number | null)[][];

interface AdvantageRow {
  id: string;
  num_generations: number;
  scale_rewards: 'group' | 'batch' | 'none';
  aggregation: 'sum_then_normalize' | 'normalize_then_sum';
  weights: number[] | null;
  rewards_per_func: Matrix;
  advantages: number[];
  std: number[];
  frac_reward_zero_std: number;
}

interface LossConfig {
  loss_type: GrpoLossOptions['lossType'];
  importance_sampling_level: string;
  epsilon: number;
  epsilon_high: number | null;
  delta: number | null;
  beta: number;
  use_bias_correction_kl: boolean;
  scale_rewards: 'group' | 'batch' | 'none';
  multi_objective_aggregation: 'sum_then_normalize' | 'normalize_then_sum';
  num_generations: number;
  reward_weights: number[] | null;
  max_completion_length: number;
  gradient_accumulation_steps: number;
  steps_per_generation: number;
  mask_truncated_completions: boolean;
  rollout_is: { mode: string; clip_min: number | null; clip_max: number | null } | null;
  off_policy_mask_threshold: number | null;
  top_entropy_quantile: number;
  sapo_temperature_pos?: number;
  sapo_temperature_neg?: number;
  vespo_k_pos?: number;
  vespo_lambda_pos?: number;
  vespo_k_neg?: number;
  vespo_lambda_neg?: number;
}

interface LossRow {
  id: string;
  config: LossConfig;
  inputs: {
    rewards_per_func: Matrix;
    logps: number[][];
    old_logps: number[][] | null;
    ref_logps: number[][] | null;
    sampling_logps: Matrix | null;
    entropies: number[][] | null;
    lengths: number[];
    is_truncated: boolean[];
    num_items_in_batch: number;
  };
  expect: {
    advantages: number[];
    std: number[];
    frac_reward_zero_std: number;
    loss: number;
    grad: number[][];
    per_token_loss: number[][];
    ratio: number[][] | null;
    per_token_kl: number[][] | null;
    rollout_is_ratio: number[][] | null;
    metrics: Record<string, number>;
  };
}

/** How closely a device's precision can follow the float64 oracle. */
export interface Tolerances {
  /** Relative. */
  exact: number;
  /** Where the oracle itself passed through float32. */
  float32Path: number;
}

export interface SectionDOptions {
  /** `cpu` computes in float64, `cuda` in float32 on the GPU. */
  device: 'cpu' | 'cuda';
  tolerances: Tolerances;
}

const flat = (rows: Matrix): Float64Array => Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);

type AdvantageConfig = Pick<AdvantageRow, 'num_generations' | 'scale_rewards' | 'aggregation' | 'weights'>;

function advantagesOf(rewards: Matrix, config: AdvantageConfig, device: 'cpu' | 'cuda') {
  return grpoAdvantages(flat(rewards), {
    groupSize: config.num_generations,
    scale: config.scale_rewards,
    aggregation: config.aggregation,
    weights: config.weights ?? rewards[0]!.map(() => 1),
    device,
  });
}

function checkAdvantages(
  actual: ReturnType<typeof advantagesOf>,
  expected: Pick<AdvantageRow, 'advantages' | 'std' | 'frac_reward_zero_std'>,
  tolerance: number,
) {
  expectClose(actual.advantages, expected.advantages, 'advantages', tolerance);
  expectClose(actual.std, expected.std, 'std', tolerance);
  expectEqual(actual.fracRewardZeroStd, expected.frac_reward_zero_std, 'frac_reward_zero_std', tolerance);
}

function lossOptionsOf(config: LossConfig, numItemsInBatch: number): GrpoLossOptions {
  return {
    lossType: config.loss_type,
    importanceSamplingLevel: config.importance_sampling_level,
    epsilon: config.epsilon,
    epsilonHigh: config.epsilon_high,
    delta: config.delta,
    beta: config.beta,
    useBiasCorrectionKl: config.use_bias_correction_kl,
    maxCompletionLength: config.max_completion_length,
    gradientAccumulationSteps: config.gradient_accumulation_steps,
    stepsPerGeneration: config.steps_per_generation,
    numItemsInBatch,
    rolloutIs: config.rollout_is?.mode ?? null,
    rolloutIsMin: config.rollout_is?.clip_min ?? 0,
    rolloutIsMax: config.rollout_is?.clip_max ?? Number.POSITIVE_INFINITY,
    offPolicyMaskThreshold: config.off_policy_mask_threshold,
    topEntropyQuantile: config.top_entropy_quantile,
    sapoTauPos: config.sapo_temperature_pos,
    sapoTauNeg: config.sapo_temperature_neg,
    vespoKPos: config.vespo_k_pos,
    vespoLambdaPos: config.vespo_lambda_pos,
    vespoKNeg: config.vespo_k_neg,
    vespoLambdaNeg: config.vespo_lambda_neg,
  };
}

function lossInputsOf(row: LossRow, advantages: Float64Array): AddonLossInputs<Float64Array> {
  const { inputs, config } = row;
  const rows = inputs.logps.length;
  const columns = inputs.logps[0]!.length;
  const mask = new Float64Array(rows * columns);
  inputs.lengths.forEach((length, index) => {
    const masked = config.mask_truncated_completions && inputs.is_truncated[index];
    if (!masked) mask.fill(1, index * columns, index * columns + length);
  });
  return {
    rows,
    columns,
    logps: flat(inputs.logps),
    mask,
    advantages,
    oldLogps: inputs.old_logps && flat(inputs.old_logps),
    refLogps: inputs.ref_logps && flat(inputs.ref_logps),
    samplingLogps: inputs.sampling_logps && flat(inputs.sampling_logps),
    entropies: inputs.entropies && flat(inputs.entropies),
  };
}

function checkLoss(row: LossRow, { device, tolerances }: SectionDOptions): 'passed' {
  const { config, expect } = row;
  const advantages = advantagesOf(
    row.inputs.rewards_per_func,
    {
      num_generations: config.num_generations,
      scale_rewards: config.scale_rewards,
      aggregation: config.multi_objective_aggregation,
      weights: config.reward_weights,
    },
    device,
  );
  const viaFloat32 = config.loss_type === 'sapo' || config.top_entropy_quantile < 1;
  const tolerance = viaFloat32 ? tolerances.float32Path : tolerances.exact;
  checkAdvantages(advantages, expect, tolerances.exact);
  const options = lossOptionsOf(config, row.inputs.num_items_in_batch);
  const result = grpoLoss(lossInputsOf(row, advantages.advantages), options, { device });
  expectClose([result.loss], [expect.loss], 'loss', tolerance);
  expectClose(result.dLogps, expect.grad.flat(), 'd loss / d logps', tolerance);
  expectClose(result.perTokenLoss, expect.per_token_loss.flat(), 'per-token loss', tolerance);
  const optional = [
    ['ratio', result.ratio, expect.ratio],
    ['per-token kl', result.perTokenKl, expect.per_token_kl],
    ['rollout correction', result.rolloutIsRatio, expect.rollout_is_ratio],
  ] as const;
  for (const [what, actual, expected] of optional) {
    if (expected) expectClose(actual ?? [], expected.flat(), what, tolerance);
  }
  for (const [name, value] of Object.entries(expect.metrics)) {
    expectClose([result.metrics[name] ?? Number.NaN], [value], `metric ${name}`, tolerance);
  }
  return 'passed';
}

/** D: GRPO mathematics. */
export async function checkSectionD(dir: string, options: SectionDOptions): Promise<FileResult[]> {
  return [
    await checkJsonl<AdvantageRow>(dir, 'D_advantages.jsonl', (row) => {
      const actual = advantagesOf(row.rewards_per_func, row, options.device);
      checkAdvantages(actual, row, options.tolerances.exact);
      return 'passed';
    }),
    await checkJsonl<LossRow>(dir, 'D_grpo_loss.jsonl', (row) => checkLoss(row, options)),
  ];
}
