#pragma once
#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

#include "grpo/trainer.h"

namespace toolr0 {

// One stored (fused) parameter with everything the optimiser keeps beside it, all fp32 but `copy`.
struct TrainedParameter {
  std::string name;
  at::Tensor master, gradient;
  at::Tensor copy;          // the compute-dtype weight to refresh; undefined when the master is the weight
  at::Tensor firstMoment;   // AdamW's first moment, or Muon's momentum
  at::Tensor secondMoment;  // undefined under Muon
  bool usesMuon = false;
  std::vector<std::pair<int64_t, int64_t>> slices;  // (first row, rows) of each Hugging Face matrix inside
};

class Optimizer {
 public:
  // `gradients` has the shapes of the model's weights. Throws Error(kConfigError) for an unknown optimiser.
  Optimizer(Model& model, ModelWeights& gradients, const TrainerOptions& options);

  double gradientNorm() const;
  // `factor` scales the gradients (clipping); `schedule` scales Muon's own learning rate.
  void step(double learningRate, double schedule, double factor, int64_t step);
  void zeroGradients();
  void refreshCopies();
  // Masters (those beside a weight) and moments go to host memory; gradients, which must be zero, are freed.
  // restore() brings all back.
  void offload();
  void restore();
  bool offloaded() const { return offloaded_; }
  std::vector<TrainedParameter>& parameters() { return parameters_; }

 private:
  TrainerOptions options_;
  at::Device device_;
  bool offloaded_ = false;
  std::vector<TrainedParameter> parameters_;
};

}  // namespace toolr0
