#include <limits>

#include "grpo/loss_terms.h"

namespace toolr0 {
namespace {

// One value per row: the mean over its unmasked tokens, NaN for a row that has none.
at::Tensor rowMeans(const at::Tensor& x, const at::Tensor& mask) {
  if (x.size(1) == 1) return x.squeeze(1);
  return (x * mask).sum({1}) / mask.sum({1});
}

double extremeIgnoringNan(const at::Tensor& values, bool lowest) {
  const at::Tensor known = values.masked_select(values.isnan().logical_not());
  if (known.numel() == 0) return std::numeric_limits<double>::quiet_NaN();
  return (lowest ? known.min() : known.max()).item<double>();
}

}  // namespace

void meanMetric(const std::string& name, const at::Tensor& x, const at::Tensor& mask, LossResult& result) {
  const bool perRow = x.size(1) == 1;
  const double weight = perRow ? static_cast<double>(x.size(0)) : mask.sum().item<double>();
  const double sum = (perRow ? x : x * mask).sum().item<double>();
  result.metrics[name] = sum / (weight < 1 ? 1 : weight);
  result.metricWeights[name] = weight;
}

void clipMetrics(const PolicyLoss& policy, const PolicyTerms& terms, const LossOptions& options,
                 LossResult& result) {
  const at::Tensor& ratio = policy.clipRatio;
  const double high = options.epsilonHigh.value_or(options.epsilon);
  const at::Tensor negative = terms.advantages.lt(0), positive = terms.advantages.gt(0);
  const auto dtype = terms.mask.scalar_type();
  if (options.lossType == "sapo") return;
  if (options.lossType == "vespo") return meanMetric("vespo/phi_seq_mean", policy.phi, terms.mask, result);
  if (options.lossType == "cispo") {
    return meanMetric("cispo_clip_ratio", ratio.gt(high).logical_and(positive).to(dtype), terms.mask, result);
  }
  const at::Tensor isLow = ratio.lt(1 - options.epsilon).logical_and(negative);
  const at::Tensor isHigh = ratio.gt(1 + high).logical_and(positive);
  meanMetric("clip_ratio/low_mean", isLow.to(dtype), terms.mask, result);
  meanMetric("clip_ratio/high_mean", isHigh.to(dtype), terms.mask, result);
  meanMetric("clip_ratio/region_mean", isLow.logical_or(isHigh).to(dtype), terms.mask, result);
  result.metrics["clip_ratio/low_min"] = extremeIgnoringNan(rowMeans(isLow.to(dtype), terms.mask), true);
  result.metrics["clip_ratio/high_max"] = extremeIgnoringNan(rowMeans(isHigh.to(dtype), terms.mask), false);
}

}  // namespace toolr0
