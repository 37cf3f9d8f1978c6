#pragma once
#include <ATen/ATen.h>

#include <memory>

#include "model/model.h"
#include "rollout/decode_indices.h"
#include "rollout/kv_cache.h"
#include "rollout/rollout.h"

namespace toolr0 {

// The arithmetic of one decode step: the first `indices.decoding` rows feed their last token to the model,
// their keys and values are written to the cache, and each samples its next token.
class DecodeStep {
 public:
  virtual ~DecodeStep() = default;
  // tokens [decoding] int64 and logprobs [decoding] fp32 on the model's device. On the CPU they are complete
  // on return; on CUDA the work is queued on the current stream. The tensors stay valid until the next call.
  virtual void run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) = 0;
};

// The fastest implementation for this model and device. `model`, `cache` and `request` must outlive it.
std::unique_ptr<DecodeStep> makeDecodeStep(Model& model, KvCache& cache, const RolloutRequest& request);

}  // namespace toolr0
