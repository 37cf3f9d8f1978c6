#pragma once
#include <memory>

#include "model/model.h"
#include "rollout/decode_indices.h"
#include "rollout/decode_step.h"
#include "rollout/kv_cache.h"
#include "rollout/prefill.h"
#include "rollout/rollout.h"
#include "rollout/scheduler.h"
#include "rollout/stop_strings.h"

namespace toolr0 {

// Runs one request: prefill passes and decode steps until every row has finished. The request must have been
// checked.
class Engine {
 public:
  Engine(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
         const CancelToken& cancel);

  // Throws Error(kAbortedError) when cancelled; what was generated until then is in result().
  void run();
  RolloutResult result();

 private:
  void step();
  void admit();        // lets waiting rows in
  void firstTokens();  // samples the first token of the rows that have none
  void decode();
  void accept(const std::vector<int64_t>& rows, const at::Tensor& tokens, const at::Tensor& logprobs);
  void accept(int64_t row, int32_t token, float logprob);
  bool stops(Sequence& sequence, int32_t token) const;

  Model& model_;
  const RolloutRequest& request_;
  const RolloutCallbacks& callbacks_;
  const CancelToken& cancel_;
  StopStrings stopStrings_;
  PagePool pool_;
  Scheduler scheduler_;
  KvCache cache_;
  DecodeIndices indices_;
  Prefill prefill_;
  std::unique_ptr<DecodeStep> decodeStep_;
  RolloutResult result_;
};

}  // namespace toolr0
