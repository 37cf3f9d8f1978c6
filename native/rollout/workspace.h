#pragma once
#include <c10/core/Stream.h>

#include <memory>
#include <optional>

#include "rollout/decode_buffers.h"
#include "rollout/fused_decode_step.h"
#include "rollout/kv_cache.h"

namespace toolr0 {

// What generate() calls on one model can share: memory for keys and values, the buffers of a decode step and
// the graphs recorded over them. A training run asks for the same shapes thousands of times; recording a
// graph costs as much as dozens of steps. Made for CUDA; every use is queued on rolloutStream().
struct RolloutWorkspace {
  const Model* owner = nullptr;  // a copied Model must not use the original's
  int64_t pages = 0;
  std::unique_ptr<KvCache> cache;
  std::unique_ptr<DecodeBuffers> buffers;
  std::unique_ptr<FusedDecodeStep> step;

  // Remakes what is missing or too small. A cache larger than needed stays.
  void fit(Model& model, int64_t pages, const DecodeShape& shape, bool fused);
};

// The stream of every rollout on a device (graphs cannot be recorded on the default one); none on the CPU.
// One, not one per workspace: libraries keep memory for each stream they ever ran on.
std::optional<c10::Stream> rolloutStream(at::Device device);

// The model's own workspace (made on first use, freed with the model or by releaseWorkspace).
RolloutWorkspace& workspaceOf(Model& model);

// Frees what the model keeps between generate() calls.
void releaseWorkspace(Model& model);

// After a call: frees the workspace if it holds more than a tenth of the device's memory, which training
// needs.
void trimWorkspace(Model& model);

// While it lives, work of this thread is queued on `own`, after everything queued before; its end waits until
// that is done. Does nothing without a value.
class StreamScope {
 public:
  explicit StreamScope(std::optional<c10::Stream> own);
  ~StreamScope();
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;

 private:
  std::optional<c10::Stream> own_, previous_;
};

}  // namespace toolr0
