#include "grpo/step_metrics.h"

#include <algorithm>
#include <cmath>

namespace toolr0 {
namespace {

bool endsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}
// The smallest value that at least `share` of all do not exceed; 0 of none.
double quantile(std::vector<float> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<int64_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
  const auto at = values.begin() + std::clamp<int64_t>(rank, 0, static_cast<int64_t>(values.size()) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}
bool isMinimum(const std::string& name) {
  return endsWith(name, "_min");
}

}  // namespace

void MetricMeans::add(const LossResult& result) {
  for (const auto& [name, value] : result.metrics) {
    const auto weight = result.metricWeights.find(name);
    if (weight != result.metricWeights.end()) {
      means_[name].sum += value * weight->second;
      means_[name].weight += weight->second;
    } else if (!std::isnan(value)) {
      const auto [known, isNew] = extremes_.emplace(name, value);
      if (!isNew)
        known->second = isMinimum(name) ? std::min(known->second, value) : std::max(known->second, value);
    }
  }
}

void MetricMeans::addLeftOut(const StepPlan& plan, bool perRow) {
  const double weight = static_cast<double>(perRow ? plan.leftOutRows : plan.leftOutTokens);
  if (weight == 0) return;
  for (auto& [name, mean] : means_)
    if (name.find("clip_ratio") != std::string::npos) mean.weight += weight;
  for (auto& [name, value] : extremes_) value = isMinimum(name) ? std::min(value, 0.0) : std::max(value, 0.0);
}

void MetricMeans::writeTo(std::map<std::string, double>& metrics) const {
  for (const auto& [name, mean] : means_) metrics[name] = mean.weight > 0 ? mean.sum / mean.weight : 0.0;
  for (const auto& [name, value] : extremes_) metrics[name] = value;
}

void SamplingMismatch::add(const at::Tensor& logps, const at::Tensor& samplingLogps,
                           const at::Tensor& corrected) {
  const at::Tensor known = samplingLogps.isnan().logical_not();
  const at::Tensor difference = (logps - samplingLogps).masked_select(known).to(at::kDouble);
  if (difference.numel() > 0) {
    const at::Tensor ratio = difference.exp(), distance = difference.abs();
    const at::Tensor host = distance.to(at::kCPU, at::kFloat).contiguous();
    const float* values = host.const_data_ptr<float>();
    distances_.insert(distances_.end(), values, values + host.numel());
    sumDifference_ += distance.sum().item<double>();
    maxDifference_ = std::max(maxDifference_, distance.max().item<double>());
    outside_ += ratio.lt(0.9).logical_or(ratio.gt(1.1)).sum().item<double>();
  }
  const at::Tensor weights = corrected.defined() ? corrected.to(at::kDouble) : difference.exp();
  if (weights.numel() == 0) return;
  const double lowest = weights.min().item<double>(), highest = weights.max().item<double>();
  minRatio_ = ratios_ == 0 ? lowest : std::min(minRatio_, lowest);
  maxRatio_ = ratios_ == 0 ? highest : std::max(maxRatio_, highest);
  sumRatio_ += weights.sum().item<double>();
  ratios_ += static_cast<double>(weights.numel());
}

void SamplingMismatch::writeTo(std::map<std::string, double>& metrics) const {
  const auto mean = [](double sum, double count) { return count > 0 ? sum / count : 0.0; };
  const double tokens = static_cast<double>(distances_.size());
  metrics["sampling/sampling_logp_difference/mean"] = mean(sumDifference_, tokens);
  metrics["sampling/sampling_logp_difference/max"] = maxDifference_;
  metrics["sampling/importance_sampling_ratio/min"] = minRatio_;
  metrics["sampling/importance_sampling_ratio/mean"] = mean(sumRatio_, ratios_);
  metrics["sampling/importance_sampling_ratio/max"] = maxRatio_;
  metrics["toolr0/logp_mismatch_mean"] = mean(sumDifference_, tokens);
  metrics["toolr0/logp_mismatch_p99"] = quantile(distances_, 0.99);
  metrics["toolr0/logp_mismatch_share_outside_0.9_1.1"] = mean(outside_, tokens);
}

}  // namespace toolr0
