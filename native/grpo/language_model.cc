// The language-model half of the trainer: weighted negative log-likelihood over packed documents.
#include <cmath>

#include "grpo/batch_checks.h"
#include "grpo/documents.h"
#include "grpo/step_flops.h"
#include "grpo/trainer_impl.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

struct Plan {
  std::vector<int64_t>
      lengths;  // tokens of each document to forward: up to the one before its last weighted token
  double totalWeight = 0;
};

Plan planLanguageModel(const LanguageModelBatch& batch, const ModelConfig& config) {
  checkOffsets(batch.offsets, batch.tokens.size(), "offsets");
  checkTokenIds(batch.tokens, config, "tokens");
  if (batch.weights.size() != batch.tokens.size()) {
    throw Error(kConfigError, "weights has " + std::to_string(batch.weights.size()) + " entries for " +
                                  std::to_string(batch.tokens.size()) + " tokens");
  }
  Plan plan;
  for (size_t document = 0; document + 1 < batch.offsets.size(); ++document) {
    const int32_t begin = batch.offsets[document], end = batch.offsets[document + 1];
    int64_t length = 0;
    for (int32_t i = begin + 1; i < end; ++i) {
      const float weight = batch.weights[i];
      if (!(weight >= 0) || std::isinf(weight)) {
        throw Error(kConfigError, "weights[" + std::to_string(i) + "] must be a finite number of at least 0");
      }
      if (weight > 0) length = i - begin;
      plan.totalWeight += weight;
    }
    checkContext(length, config, "document " + std::to_string(document));
    plan.lengths.push_back(length);
  }
  if (plan.totalWeight == 0) {
    throw Error(kConfigError,
                "the batch has no token to predict: every weight is 0 or every document has one token");
  }
  return plan;
}

}  // namespace

Metrics Trainer::Impl::addLanguageModelGradient(const LanguageModelBatch& batch, const CancelToken& cancel) {
  const Plan plan = planLanguageModel(batch, model->config);
  const auto micros = planDocuments(plan.lengths, options.tokenBudget);
  double loss = 0, entropy = 0, forwardedTokens = 0, flops = 0;
  int64_t checkpointed = 0;
  for (const std::vector<int32_t>& which : micros) {
    cancel.throwIfRequested();
    const DocumentBatch micro = packDocuments(
        {batch.tokens, batch.offsets}, which, plan.lengths, [&](int64_t i) { return batch.weights[i] > 0; },
        model->device);
    std::vector<float> shares;
    for (const int64_t before : micro.predictor) {
      shares.push_back(static_cast<float>(batch.weights[before + 1] / plan.totalWeight));
    }
    const at::Tensor share = at::tensor(shares, at::kFloat).to(model->device);  // d loss / d logprob = -share
    forwardedTokens += static_cast<double>(micro.packed.tokenCount());
    ensureRopeTables(*model, micro.contextLength);
    const int64_t scored = micro.target.size(0), kept = layersToKeep(micro.packed.tokenCount(), scored);
    checkpointed = std::max(checkpointed, model->config.numHiddenLayers - kept);
    flops += trainingFlops(model->config, micro.packed, scored);
    DecoderTape tape;
    const at::Tensor hidden = decoderForwardTape(*model, micro.packed, tape, kept);
    at::Tensor dHidden;
    const LogprobHeadOutput head =
        logprobHeadForwardBackward(share.neg(), hidden, micro.hiddenRow, micro.target, model->weights.lmHead,
                                   options.temperature, options.logprobChunkRows, dHidden, gradients.lmHead);
    loss -= (head.logprobs * share).sum().item<double>();
    entropy += (head.entropy * share).sum().item<double>();
    if (!std::isfinite(loss)) {
      sawNonFiniteLoss = true;
      break;
    }
    decoderBackward(*model, micro.packed, tape, dHidden, gradients);
  }
  Metrics metrics;
  metrics["loss"] = loss;
  metrics["entropy"] = entropy;
  metrics["toolr0/micro_batches"] = static_cast<double>(micros.size());
  metrics["toolr0/train_tokens"] = forwardedTokens;
  metrics["toolr0/train_flops"] = flops;
  metrics["toolr0/checkpointed_layers"] = static_cast<double>(checkpointed);
  return metrics;
}

}  // namespace toolr0
