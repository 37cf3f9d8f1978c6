#pragma once
#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace toolr0 {
struct AdvantageOptions {
  int64_t groupSize = 1;                                         // TRL: num_generations
  std::string scaleRewards = "group";                            // group | batch | none
  std::string multiObjectiveAggregation = "sum_then_normalize";  // or normalize_then_sum
  std::vector<double> rewardWeights;                             // empty = all 1
};
struct AdvantageResult {
  at::Tensor advantages, std;  // [rows], in the precision of the rewards
  double fracRewardZeroStd = 0;
};
// rewards [rows, functions]; NaN = that function gave no reward. Exact zeros for groups of equal rewards.
AdvantageResult computeAdvantages(const at::Tensor& rewards, const AdvantageOptions& options);
}  // namespace toolr0
