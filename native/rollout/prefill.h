#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "model/model.h"
#include "rollout/kv_cache.h"
#include "rollout/scheduler.h"
#include "runtime/cancellation.h"

namespace toolr0 {

// Runs prompts (and the completions of rows that come back after a preemption) through the model, stores
// their keys and values and keeps the hidden state after each prompt's last token.
class Prefill {
 public:
  Prefill(Model& model, Scheduler& scheduler, KvCache& cache, const CancelToken& cancel);

  // Returns the number of tokens run. On CUDA the work is only queued.
  int64_t run(const PrefillPack& pack);

  // fp32 logits [prompts.size(), vocab] after the last token of these (resident) prompts.
  at::Tensor logits(const std::vector<int64_t>& prompts) const;

 private:
  Model& model_;
  Scheduler& scheduler_;
  KvCache& cache_;
  const CancelToken& cancel_;
  at::Tensor lastHidden_;  // [prompts, hidden]
  double scale_;
};

// `values` as an int64 tensor on `device`; the upload does not wait for the device.
at::Tensor longTensor(const std::vector<int64_t>& values, at::Device device);

}  // namespace toolr0
