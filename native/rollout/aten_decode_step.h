#pragma once
#include "rollout/decode_step.h"

namespace toolr0 {

// A decode step put together from the inference pass that prefill uses (model/decoder.h): any device, dtype
// and architecture. The oracle of the other implementations.
class AtenDecodeStep : public DecodeStep {
 public:
  AtenDecodeStep(Model& model, KvCache& cache, const RolloutRequest& request);
  void run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) override;

 private:
  Model& model_;
  KvCache& cache_;
  const RolloutRequest& request_;
  double scale_;
};

}  // namespace toolr0
