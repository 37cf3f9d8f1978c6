#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/sampler.h"
#include "model/model.h"
#include "runtime/cancellation.h"

namespace toolr0 {

enum class FinishReason : int32_t { kStop = 0 /* stop id or string */, kLength = 1, kAborted = 2 };

struct RolloutRequest {
  std::vector<std::vector<int32_t>> prompts;  // token ids, each non-empty
  int64_t samplesPerPrompt = 1;               // n
  int64_t maxNewTokens = 256;
  SamplerOptions sampling;
  uint64_t seed = 0;
  std::vector<int64_t> stopTokenIds;  // the stop id is kept as the last token of the completion
  bool ignoreEos = false;             // stop ids and stop strings are not honoured
  // Stop strings act on decoded bytes: tokenBytes(id) gives a token's bytes; a completion ends with the token
  // that completes one.
  std::vector<std::string> stopStrings;
  std::vector<std::string> tokenBytes;  // [vocab], only needed with stopStrings
  int64_t maxBatch = 256;               // sequences decoded together
  int64_t maxKvBytes = 0;  // 0 = chosen from free memory; prompts wait in the queue when it is used up
  bool returnPartialOnAbort = false;  // else an abort throws kAbortedError
};

// Row = prompt * n + sample.
struct RolloutResult {
  std::vector<int32_t> tokens;              // completions back to back
  std::vector<int32_t> offsets;             // [rows + 1]
  std::vector<float> logprobs;              // [tokens] of the distribution that was sampled
  std::vector<FinishReason> finishReasons;  // [rows]
  int64_t promptTokens = 0, generatedTokens = 0, prefillTokens = 0, decodeSteps = 0;
  double prefillSeconds = 0, decodeSeconds = 0;
  int64_t peakKvBytes = 0;
};

// Called on the compute thread whenever a completion ends (row, its tokens, their logprobs) or, if
// `everyToken`, per new token.
struct RolloutCallbacks {
  std::function<void(int64_t row, int32_t token, float logprob)> onToken;                         // optional
  std::function<void(int64_t row, const int32_t* tokens, int64_t count, FinishReason)> onFinish;  // optional
};

// Batched generation with continuous batching: prompts prefilled once per group, finished sequences leave,
// queued ones enter. Throws Error(kConfigError) for: no prompts, an empty prompt, token id outside the
// vocabulary, prompt + maxNewTokens over the context (names the prompt's index and both lengths), bad
// sampling options.
RolloutResult generate(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
                       const CancelToken& cancel);

}  // namespace toolr0
