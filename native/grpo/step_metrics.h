#pragma once
#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "grpo/loss.h"
#include "grpo/packing.h"

namespace toolr0 {

// Averages the loss metrics of micro-batches by their weights (…_min and …_max by minimum and maximum).
class MetricMeans {
 public:
  void add(const LossResult& result);
  // Rows that were not forwarded count too where TRL counts them: their clip indicators are 0.
  void addLeftOut(const StepPlan& plan, bool perRow);
  void writeTo(std::map<std::string, double>& metrics) const;

 private:
  struct Mean {
    double sum = 0, weight = 0;
  };
  std::map<std::string, Mean> means_;
  std::map<std::string, double> extremes_;
};

// How far the rollout's log-probabilities lie from the trainer's, token by token: under TRL's names, and as
// toolr0/logp_mismatch_{mean, p99} of |difference| and the share of tokens whose ratio falls outside
// [0.9, 1.1]. Tokens without a sampling log-probability (NaN) are
// left out.
class SamplingMismatch {
 public:
  // logps, samplingLogps [N]; `corrected`: the values of the rollout correction, undefined when it is off.
  void add(const at::Tensor& logps, const at::Tensor& samplingLogps, const at::Tensor& corrected);
  void writeTo(std::map<std::string, double>& metrics) const;

 private:
  std::vector<float> distances_;
  double sumDifference_ = 0, maxDifference_ = 0, outside_ = 0;
  double ratios_ = 0, sumRatio_ = 0, minRatio_ = 0, maxRatio_ = 0;
};

}  // namespace toolr0
