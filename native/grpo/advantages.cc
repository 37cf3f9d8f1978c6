#include "grpo/advantages.h"

#include <limits>

#include "kernels/group_advantages.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

void check(const at::Tensor& rewards, const AdvantageOptions& options) {
  if (rewards.dim() != 2 || !rewards.is_floating_point() || rewards.numel() == 0) {
    throw Error(kConfigError, "advantages: rewards must be a non-empty [rows, functions] array of floats");
  }
  const int64_t rows = rewards.size(0), functions = rewards.size(1);
  if (options.groupSize < 1 || rows % options.groupSize != 0) {
    throw Error(kConfigError, "advantages: groupSize " + std::to_string(options.groupSize) +
                                  " does not divide the " + std::to_string(rows) + " rows");
  }
  if (!options.rewardWeights.empty() && static_cast<int64_t>(options.rewardWeights.size()) != functions) {
    throw Error(kConfigError, "advantages: " + std::to_string(options.rewardWeights.size()) +
                                  " rewardWeights for " + std::to_string(functions) + " reward functions");
  }
  if (rewards.isinf().any().item<bool>()) {
    throw Error(kNumericError, "advantages: a reward is infinite; use NaN where a function gave no reward");
  }
}

// [rows]; NaN where no function gave a reward.
at::Tensor weightedSum(const at::Tensor& perFunction, const at::Tensor& unscored,
                       const AdvantageOptions& options) {
  at::Tensor weighted = perFunction;
  if (!options.rewardWeights.empty()) {
    weighted = perFunction * at::tensor(options.rewardWeights, at::kDouble).to(perFunction.options());
  }
  return weighted.nansum({1}).masked_fill(unscored, std::numeric_limits<double>::quiet_NaN());
}

at::Tensor sumThenNormalize(const at::Tensor& rewards, const at::Tensor& unscored,
                            const AdvantageOptions& options, at::Tensor& std) {
  const at::Tensor summed = weightedSum(rewards, unscored, options);
  if (options.scaleRewards == "group") return groupAdvantages(summed, options.groupSize, true, std);
  at::Tensor advantages = groupAdvantages(summed, options.groupSize, false, std);
  if (options.scaleRewards == "none") return advantages;
  groupAdvantages(summed, summed.size(0), true, std);  // the whole batch as one group, for its std
  return at::nan_to_num(advantages / (std + 1e-4), 0.0);
}

at::Tensor normalizeThenSum(const at::Tensor& rewards, const at::Tensor& unscored,
                            const AdvantageOptions& options, at::Tensor& std) {
  std::vector<at::Tensor> columns;
  for (int64_t f = 0; f < rewards.size(1); ++f) {
    columns.push_back(groupAdvantages(rewards.select(1, f).contiguous(), options.groupSize, true, std));
  }
  const at::Tensor summed = weightedSum(at::stack(columns, 1), unscored, options);
  return groupAdvantages(summed, summed.size(0), true, std);
}

}  // namespace

AdvantageResult computeAdvantages(const at::Tensor& rewards, const AdvantageOptions& options) {
  check(rewards, options);
  const at::Tensor unscored = rewards.isnan().all(1);
  AdvantageResult result;
  if (options.multiObjectiveAggregation == "normalize_then_sum") {
    result.advantages = normalizeThenSum(rewards, unscored, options, result.std);
  } else if (options.multiObjectiveAggregation != "sum_then_normalize") {
    throw Error(
        kConfigError,
        "advantages: multiObjectiveAggregation must be sum_then_normalize or normalize_then_sum, not '" +
            options.multiObjectiveAggregation + "'");
  } else if (options.scaleRewards != "group" && options.scaleRewards != "batch" &&
             options.scaleRewards != "none") {
    throw Error(kConfigError,
                "advantages: scaleRewards must be group, batch or none, not '" + options.scaleRewards + "'");
  } else {
    result.advantages = sumThenNormalize(rewards, unscored, options, result.std);
  }
  // TRL's test for "zero": torch.isclose with its default absolute tolerance.
  result.fracRewardZeroStd = result.std.abs().le(1e-8).to(at::kDouble).mean().item<double>();
  return result;
}

}  // namespace toolr0
