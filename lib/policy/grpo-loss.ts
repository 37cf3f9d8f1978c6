import type { AddonLossInputs, AddonLossOptions, AddonLossResult, FloatArray } from '../binding/addon';
import { ConfigError, toPublicError } from '../binding/errors';
import { loadAddon } from '../binding/load';

export const LOSS_TYPES = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'luspo', 'sapo', 'vespo'] as const;

/** TRL's GRPOConfig names in camelCase, with this project's defaults (the paper's: `grpo`, no KL term). `null` = TRL's None. */
export interface GrpoLossOptions extends Partial<Omit<AddonLossOptions, 'lossType'>> {
  lossType?: (typeof LOSS_TYPES)[number];
}

const DEFAULTS: AddonLossOptions = {
  lossType: 'grpo',
  importanceSamplingLevel: 'token',
  epsilon: 0.2,
  epsilonHigh: null,
  delta: null,
  beta: 0,
  useBiasCorrectionKl: true,
  maxCompletionLength: 0,
  gradientAccumulationSteps: 1,
  stepsPerGeneration: 1,
  numItemsInBatch: 0,
  rolloutIs: null,
  rolloutIsMin: 0,
  rolloutIsMax: Number.POSITIVE_INFINITY,
  offPolicyMaskThreshold: null,
  topEntropyQuantile: 1,
  sapoTauPos: 1,
  sapoTauNeg: 1.05,
  vespoKPos: 2,
  vespoLambdaPos: 3,
  vespoKNeg: 3,
  vespoLambdaNeg: 2,
};

/** Fills in defaults. @throws ConfigError for a name that is no option */
export function lossOptions(options: GrpoLossOptions): AddonLossOptions {
  const unknown = Object.keys(options).find((key) => !(key in DEFAULTS));
  if (unknown !== undefined) {
    throw new ConfigError(`unknown option '${unknown}'. Loss options: ${Object.keys(DEFAULTS).join(', ')}`, {
      field: unknown,
    });
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...DEFAULTS, ...given };
}

export interface KernelOptions {
  /** Where to compute: `cpu` in the precision of the arrays, `cuda` in float32. Default cpu. */
  device?: 'cpu' | 'cuda';
}

/**
 * The GRPO loss family on padded log-probabilities [rows × columns], in the precision of the arrays (Float32Array or Float64Array).
 * Formulas: docs/grpo.md; they are TRL's. Returns the loss, d(loss)/d(logps), per-token parts and TRL's metrics.
 * @throws ConfigError naming the option or array that is wrong
 */
export function grpoLoss<T extends FloatArray>(
  inputs: AddonLossInputs<T>,
  options: GrpoLossOptions = {},
  { device = 'cpu' }: KernelOptions = {},
): AddonLossResult<T> {
  try {
    return loadAddon().grpoLoss(inputs, lossOptions(options), device);
  } catch (error) {
    throw toPublicError(error);
  }
}

export interface AdvantageOptions extends KernelOptions {
  /** Rows per group (TRL: num_generations), at least 2. */
  groupSize: number;
  /** Divide by the standard deviation of the group, of the batch, or not at all. Default `group`. */
  scale?: 'group' | 'batch' | 'none';
  /** How several reward functions are combined. Default `sum_then_normalize`. */
  aggregation?: 'sum_then_normalize' | 'normalize_then_sum';
  /** One weight per reward function. Default all 1. */
  weights?: readonly number[];
}

/**
 * Group-relative advantages of rewards [rows × functions], row-major, rows of a group adjacent; NaN = not scored. Exactly 0 for groups of
 * equal rewards and for rows without a score.
 * @throws ConfigError
 */
export function grpoAdvantages<T extends FloatArray>(
  rewards: T,
  options: AdvantageOptions,
): { advantages: T; std: T; fracRewardZeroStd: number } {
  const { groupSize, scale = 'group', aggregation = 'sum_then_normalize', weights } = options;
  const functions = weights?.length ?? 1;
  if (!Number.isInteger(groupSize) || groupSize < 2) {
    throw new ConfigError(
      `groupSize: must be an integer of at least 2, not ${groupSize}: one row has nothing to be compared with`,
      {
        field: 'groupSize',
      },
    );
  }
  if (functions === 0 || rewards.length === 0 || rewards.length % (functions * groupSize) !== 0) {
    throw new ConfigError(
      `rewards: ${rewards.length} values do not make whole groups of ${groupSize} rows × ${functions} reward functions`,
      { field: 'rewards' },
    );
  }
  try {
    return loadAddon().grpoAdvantages(rewards, functions, {
      groupSize,
      scaleRewards: scale,
      multiObjectiveAggregation: aggregation,
      rewardWeights: weights ? [...weights] : [],
      device: options.device ?? 'cpu',
    });
  } catch (error) {
    throw toPublicError(error);
  }
}
