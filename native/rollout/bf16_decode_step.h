#pragma once
#include "rollout/decode_step.h"

namespace toolr0 {

// A decode step of a bf16 model on the CPU: kernels/linear_bf16.h on the stored weights (AMX where the
// machine has it), activations rounded to bf16 where the tensor operations of decoderForward round them,
// logits in fp32. Its cache is KvLayout::kHeadMajor. The threads divide the outputs of every matrix, so each
// weight is read once per step.
class Bf16DecodeStep : public DecodeStep {
 public:
  // bf16 models on the CPU whose matrices have multiples of 32 inputs, head dimension a multiple of 16.
  static bool supports(const Model& model);

  Bf16DecodeStep(Model& model, KvCache& cache, const RolloutRequest& request);
  ~Bf16DecodeStep() override;
  void run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace toolr0
