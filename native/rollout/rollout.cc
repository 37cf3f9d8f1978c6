#include "rollout/rollout.h"

#include <c10/core/GradMode.h>

#include <limits>
#include <string>

#include "rollout/engine.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

void require(bool condition, const std::string& message) {
  if (!condition) throw Error(kConfigError, message);
}

void checkPrompts(const ModelConfig& config, const RolloutRequest& request) {
  require(!request.prompts.empty(), "there are no prompts to generate from");
  for (size_t i = 0; i < request.prompts.size(); ++i) {
    const std::vector<int32_t>& prompt = request.prompts[i];
    const std::string name = "prompt " + std::to_string(i);
    require(!prompt.empty(), name + " is empty; give at least one token (a beginning-of-text token, say)");
    for (const int32_t token : prompt)
      require(token >= 0 && token < config.vocabSize, name + " holds token id " + std::to_string(token) +
                                                          ", outside the model's vocabulary of " +
                                                          std::to_string(config.vocabSize));
    const auto length = static_cast<int64_t>(prompt.size());
    require(request.maxNewTokens <= config.maxPositionEmbeddings - length,
            name + " has " + std::to_string(length) + " tokens; with maxNewTokens " +
                std::to_string(request.maxNewTokens) + " it exceeds the context of " +
                std::to_string(config.maxPositionEmbeddings) +
                " tokens: shorten the prompt or lower maxNewTokens");
  }
}

void checkRequest(const ModelConfig& config, const RolloutRequest& request) {
  const auto atLeast = [](int64_t value, int64_t least, const char* name) {
    require(value >= least, std::string(name) + " is " + std::to_string(value) + "; it must be at least " +
                                std::to_string(least));
  };
  atLeast(request.samplesPerPrompt, 1, "n (samples per prompt)");
  atLeast(request.maxNewTokens, 1, "maxNewTokens");
  atLeast(request.maxBatch, 1, "maxBatch");
  atLeast(request.maxKvBytes, 0, "maxKvBytes");
  checkSamplerOptions(request.sampling);
  checkPrompts(config, request);
  require(request.ignoreEos || request.stopStrings.empty() || !request.tokenBytes.empty(),
          "stop strings need the bytes of the vocabulary's tokens (tokenBytes)");
  // Offsets of the result are int32.
  const double most = static_cast<double>(request.prompts.size()) *
                      static_cast<double>(request.samplesPerPrompt) *
                      static_cast<double>(request.maxNewTokens);
  require(most <= std::numeric_limits<int32_t>::max(),
          "prompts * n * maxNewTokens exceeds 2^31 - 1 tokens in one call; split the request");
}

}  // namespace

RolloutResult generate(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
                       const CancelToken& cancel) {
  checkRequest(model.config, request);
  cancel.throwIfRequested();
  c10::NoGradGuard noGrad;
  return runEngine(model, request, callbacks, cancel, EngineOptions::forModel(model));
}

}  // namespace toolr0
