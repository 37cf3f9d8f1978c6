#pragma once
#include <memory>

#include "grpo/optimizer.h"
#include "grpo/packing.h"
#include "grpo/state.h"
#include "grpo/step_memory.h"
#include "grpo/trainer.h"
#include "kernels/logprob_head.h"
#include "model/decoder.h"

namespace toolr0 {

// What the parts of the trainer share. trainer.cc drives optimiser steps and state; policy_gradient.cc and
// language_model.cc each add the gradient of their loss.
struct Trainer::Impl {
  std::shared_ptr<Model> model, reference;
  StepMemory memory;
  TrainerOptions options;
  ModelWeights gradients;  // fp32; a tied lmHead is the embedding's tensor
  Optimizer optimizer;
  TrainerCounters counters;
  bool sawNonFiniteLoss = false;
  bool hasGradients = false;  // accumulated since the last step

  Impl(std::shared_ptr<Model> model, TrainerOptions options, std::shared_ptr<Model> reference);

  // Layers whose activations are kept in a pass over `tokens` packed tokens, `scored` of which are predicted.
  int64_t layersToKeep(int64_t tokens, int64_t scored) const;
  Metrics addPolicyGradient(const TrainBatch& batch, const CancelToken& cancel);
  Metrics addLanguageModelGradient(const LanguageModelBatch& batch, const CancelToken& cancel);

  // Runs `work`, timed (metric toolr0/train_seconds); whatever it throws, no half-accumulated gradient is
  // left behind.
  void ensureResident();
  template <typename Work>
  Metrics guarded(const Work& work);
  void zeroGradients();
  double schedule() const;
};

}  // namespace toolr0
