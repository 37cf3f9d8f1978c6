#pragma once
#include "rollout/decode_step.h"

namespace toolr0 {

// A decode step on the CPU without a tensor operation: the kernels of kernels/{panel_linear, page_attention,
// row_ops, sampler_row}.h on buffers allocated once. Its cache is KvLayout::kHeadMajor.
//
// The threads divide the rows: each runs the whole step for its own, from the embedding to the drawn token,
// so that a step has one fork and join; the weights are read by every thread, which pays while they stay in
// the caches. They are repacked when the step is made: they must not change while it lives.
class CpuDecodeStep : public DecodeStep {
 public:
  // fp32 models of up to 8 million weights on the CPU, head dimension a multiple of 16.
  static bool supports(const Model& model);

  CpuDecodeStep(Model& model, KvCache& cache, const RolloutRequest& request);
  ~CpuDecodeStep() override;
  void run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace toolr0
