#include "grpo/loss_terms.h"

namespace toolr0 {

at::Tensor importanceRatio(const at::Tensor& logRatio, const at::Tensor& mask, const std::string& level) {
  if (level == "token") return logRatio.exp();
  const at::Tensor length = mask.sum({1}, true).clamp_min(1.0);
  return ((logRatio * mask).sum({1}, true) / length).exp();
}

at::Tensor rolloutRatio(const at::Tensor& oldLogps, const at::Tensor& samplingLogps, const at::Tensor& mask,
                        const LossOptions& options) {
  const std::string& mode = *options.rolloutIs;
  at::Tensor difference = (oldLogps - samplingLogps) * mask;
  difference = difference.masked_fill(difference.isnan(), 0.0);
  if (mode.rfind("sequence_", 0) == 0) difference = difference.sum({1}, true);
  const at::Tensor ratio = difference.exp();
  const double low = options.rolloutIsMin, high = options.rolloutIsMax;
  if (mode == "token_truncate" || mode == "sequence_truncate") return ratio.clamp(low, high);
  return ratio.masked_fill(ratio.lt(low).logical_or(ratio.gt(high)), 0.0);
}

}  // namespace toolr0
