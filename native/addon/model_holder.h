#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "model/residency.h"
#include "runtime/error.h"

namespace toolr0::addon {

// What an AddonPolicy owns. `model` is read and written on the compute thread only; `disposed` is set on the
// JS thread, so that calls made after dispose() are refused while calls queued before it still run.
struct ModelHolder {
  std::shared_ptr<Model> model;
  std::atomic<bool> disposed{false};

  void refuseDisposed() const {
    if (disposed) throw Error(kDisposedError, "this policy was disposed; load it again");
  }
  // Compute thread. held(): wherever its weights are; loaded(): with its weights on its device.
  const std::shared_ptr<Model>& held() const {
    if (!model) throw Error(kConfigError, "this policy is empty: load() or init() must have succeeded first");
    return model;
  }
  const std::shared_ptr<Model>& loaded() const {
    restoreWeights(*held());
    return model;
  }
};
using ModelHolderPtr = std::shared_ptr<ModelHolder>;

// Error(kConfigError) naming the first id outside the vocabulary.
void checkTokenIds(const std::vector<int32_t>& tokens, int64_t vocabSize, const std::string& name);

// fp32 logits [tokens, vocab], on the CPU, of one sequence.
at::Tensor sequenceLogits(Model& model, const std::vector<int32_t>& tokens);

}  // namespace toolr0::addon
