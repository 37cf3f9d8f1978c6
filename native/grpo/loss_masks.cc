#include "grpo/loss_terms.h"

namespace toolr0 {

at::Tensor offPolicyKeep(const at::Tensor& logps, const at::Tensor& samplingLogps,
                         const at::Tensor& advantages, const at::Tensor& mask, double threshold) {
  at::Tensor difference = samplingLogps - logps.detach();
  difference =
      difference.masked_fill(difference.isnan(), 0.0);  // a token without a sampling logp is no evidence
  const at::Tensor mean = (difference * mask).sum({1}, true) / mask.sum({1}, true).clamp_min(1.0);
  return advantages.ge(0).logical_or(mean.le(threshold)).to(mask.scalar_type());
}

double entropyThreshold(const at::Tensor& entropies, double topEntropyQuantile) {
  // TRL takes the quantile of fp32 values and compares the unrounded ones with it; rounding decides ties, so
  // do the same.
  return at::quantile(entropies.to(at::kFloat), 1.0 - topEntropyQuantile).item<double>();
}

at::Tensor entropyKeep(const at::Tensor& entropies, const at::Tensor& mask, const LossOptions& options) {
  const at::Tensor unmasked = mask.ne(0);
  const at::Tensor candidates = entropies.masked_select(unmasked);
  if (candidates.numel() == 0) return at::zeros_like(mask);
  const double threshold = options.entropyThreshold
                               ? *options.entropyThreshold
                               : entropyThreshold(candidates, options.topEntropyQuantile);
  return entropies.ge(threshold).logical_and(unmasked).to(mask.scalar_type());
}

}  // namespace toolr0
