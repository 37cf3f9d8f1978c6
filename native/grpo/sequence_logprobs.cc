#include <c10/core/GradMode.h>

#include <algorithm>

#include "grpo/batch_checks.h"
#include "grpo/documents.h"
#include "grpo/packed_forward.h"
#include "grpo/trainer.h"
#include "kernels/logprob_head.h"

namespace toolr0 {
namespace {

constexpr int64_t kChunkRows = 2048;

void scatter(const at::Tensor& values, const std::vector<int64_t>& places, std::vector<float>& out) {
  const at::Tensor host = values.to(at::kCPU).contiguous();
  const float* data = host.const_data_ptr<float>();
  for (size_t i = 0; i < places.size(); ++i) out[places[i]] = data[i];
}

}  // namespace

std::vector<float> sequenceLogprobs(Model& model, const std::vector<int32_t>& tokens,
                                    const std::vector<int32_t>& offsets, double temperature,
                                    int64_t tokenBudget, const CancelToken& cancel,
                                    std::vector<float>* entropy) {
  const c10::NoGradGuard noGrad;
  checkOffsets(offsets, tokens.size(), "offsets");
  checkTokenIds(tokens, model.config, "tokens");
  std::vector<int64_t> lengths;  // the last token predicts nothing
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    checkContext(offsets[i + 1] - offsets[i], model.config, "sequence " + std::to_string(i));
    lengths.push_back(std::max(0, offsets[i + 1] - offsets[i] - 1));
  }
  std::vector<float> logprobs(tokens.size(), 0.0f);
  if (entropy != nullptr) entropy->assign(tokens.size(), 0.0f);
  for (const std::vector<int32_t>& which : planDocuments(lengths, tokenBudget)) {
    cancel.throwIfRequested();
    const DocumentBatch batch =
        packDocuments({tokens, offsets}, which, lengths, [](int64_t) { return true; }, model.device);
    const at::Tensor hidden = packedForward(model, batch.packed, batch.contextLength);
    const LogprobHeadOutput head =
        logprobHead(hidden, batch.hiddenRow, batch.target, model.weights.lmHead, temperature, kChunkRows);
    scatter(head.logprobs, batch.predictor, logprobs);
    if (entropy != nullptr) scatter(head.entropy, batch.predictor, *entropy);
  }
  return logprobs;
}

}  // namespace toolr0
