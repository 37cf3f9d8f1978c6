#pragma once
#include <c10/core/Event.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "model/model.h"
#include "rollout/decode_indices.h"
#include "rollout/decode_step.h"
#include "rollout/kv_cache.h"
#include "rollout/prefill.h"
#include "rollout/rollout.h"
#include "rollout/scheduler.h"
#include "rollout/stop_strings.h"
#include "rollout/workspace.h"

namespace toolr0 {

struct EngineOptions {
  // Steps queued beyond the one whose tokens are read: the device never waits for the host. A row that stops
  // has then been run that many steps too far; the surplus is dropped.
  int64_t lookAhead = 0;
  bool fused = false;          // FusedDecodeStep; needed for lookAhead > 0
  bool keepWorkspace = false;  // share memory and graphs with later calls on the model
  static EngineOptions forModel(const Model& model);
};

// Runs one request: prefill passes and decode steps until every row has finished. The request must have been
// checked.
class Engine {
 public:
  Engine(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
         const CancelToken& cancel, const EngineOptions& options);

  // Throws Error(kAbortedError) when cancelled; what was generated until then is in result().
  void run();
  RolloutResult result();

 private:
  // Sampled tokens on their way to the host.
  struct Flight {
    std::vector<int64_t> rows;
    at::Tensor tokens, logprobs;  // on the host
    std::optional<c10::Event> arrived;
  };

  void step();
  void admit();        // lets waiting rows in
  void firstTokens();  // samples the first token of the rows that have none
  void decode(const std::vector<int64_t>& rows);
  void launched(const std::vector<int64_t>& rows, const at::Tensor& tokens, const at::Tensor& logprobs);
  void acceptFlights(size_t leave);  // oldest first, until so many are left
  void accept(int64_t row, int32_t token, float logprob);
  bool stops(Sequence& sequence, int32_t token) const;

  Model& model_;
  const RolloutRequest& request_;
  const RolloutCallbacks& callbacks_;
  const CancelToken& cancel_;
  EngineOptions options_;
  StopStrings stopStrings_;
  PagePool pool_;
  Scheduler scheduler_;
  RolloutWorkspace ownWorkspace_;
  RolloutWorkspace& workspace_;
  std::unique_ptr<DecodeIndices> indices_;
  std::unique_ptr<Prefill> prefill_;
  std::unique_ptr<DecodeStep> plainStep_;
  DecodeStep* decodeStep_ = nullptr;
  std::deque<Flight> flights_;
  RolloutResult result_;
};

// generate() without its checks, on the streams and in the memory that `options` say.
RolloutResult runEngine(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
                        const CancelToken& cancel, const EngineOptions& options);

}  // namespace toolr0
