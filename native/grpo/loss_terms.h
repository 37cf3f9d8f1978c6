#pragma once
// The formulas a loss is put together from; each has one home, loss_<name>.cc. Notation of the GRPO
// literature: m mask, A advantage, rho importance ratio, q rollout ratio. Shapes [rows, T] unless said;
// [rows, 1] where a row has one value.
#include <ATen/ATen.h>

#include "grpo/loss.h"

namespace toolr0 {

// loss_ratio.cc
// Token level: exp(logp - old). Sequence level (GSPO): one value per row, exp(mean over the row's tokens) →
// [rows, 1].
at::Tensor importanceRatio(const at::Tensor& logRatio, const at::Tensor& mask, const std::string& level);
// Correction for a rollout engine whose probabilities differ from the trainer's: exp(old - sampling), per
// token or per row → [rows, 1], truncated to or masked outside [min, max]. A NaN sampling log-probability
// counts as no difference.
at::Tensor rolloutRatio(const at::Tensor& oldLogps, const at::Tensor& samplingLogps, const at::Tensor& mask,
                        const LossOptions& options);

// loss_kl.cc
// Schulman's k3 estimate of KL(policy || reference), exp(d) - d - 1 with d = ref - logp; times `ratio` when
// bias-corrected.
at::Tensor klEstimate(const at::Tensor& logps, const at::Tensor& refLogps, const at::Tensor& ratio,
                      bool biasCorrected);

// loss_masks.cc
// DeepSeek-V3.2's off-policy mask → [rows, 1]: 0 drops a row of negative advantage whose mean sampling - logp
// is above.
at::Tensor offPolicyKeep(const at::Tensor& logps, const at::Tensor& samplingLogps,
                         const at::Tensor& advantages, const at::Tensor& mask, double threshold);
// 1 for unmasked tokens whose entropy is at least the threshold.
at::Tensor entropyKeep(const at::Tensor& entropies, const at::Tensor& mask, const LossOptions& options);

// loss_policy.cc
struct PolicyTerms {
  at::Tensor logps, logRatio, ratio, mask, advantages /*[rows, 1]*/, rolloutRatio /*undefined = none*/;
};
struct PolicyLoss {
  at::Tensor perToken;
  at::Tensor clipRatio;  // rho after the delta clamp: what the clip metrics look at
  at::Tensor phi;        // vespo only, [rows, 1]
};
PolicyLoss policyLoss(const PolicyTerms& terms, const LossOptions& options);

// loss_aggregate.cc
at::Tensor aggregateLoss(const at::Tensor& perToken, const at::Tensor& mask, const LossOptions& options);

// loss_metrics.cc
void clipMetrics(const PolicyLoss& policy, const PolicyTerms& terms, const LossOptions& options,
                 LossResult& result);
// Mean of x over unmasked tokens ([rows, T]) or over rows ([rows, 1]), with its weight.
void meanMetric(const std::string& name, const at::Tensor& x, const at::Tensor& mask, LossResult& result);

}  // namespace toolr0
