#include "addon/generate_request.h"

#include "runtime/error.h"

namespace toolr0::addon {
namespace {

std::vector<std::string> readTokenBytes(const Fields& fields) {
  const auto bytes = fields.uint8Array("tokenBytes");
  const auto offsets = fields.int32Array("tokenBytesOffsets");
  const int64_t count = checkOffsets(offsets, bytes.size(), fields.path("tokenBytesOffsets"));
  std::vector<std::string> tokens;
  tokens.reserve(count);
  for (int64_t id = 0; id < count; ++id)
    tokens.emplace_back(bytes.begin() + offsets[id], bytes.begin() + offsets[id + 1]);
  return tokens;
}

}  // namespace

RolloutRequest readGenerateRequest(const Fields& fields) {
  RolloutRequest request;
  const auto tokens = fields.int32Array("promptTokens");
  const auto offsets = fields.int32Array("promptOffsets");
  const int64_t prompts = checkOffsets(offsets, tokens.size(), fields.path("promptOffsets"));
  request.prompts.reserve(prompts);
  for (int64_t row = 0; row < prompts; ++row) {
    request.prompts.emplace_back(tokens.begin() + offsets[row], tokens.begin() + offsets[row + 1]);
  }
  // Rows and tokens are addressed with int32 offsets in the result.
  constexpr int64_t kMaxCount = std::numeric_limits<int32_t>::max();
  request.samplesPerPrompt = fields.integer("samplesPerPrompt", 1, kMaxCount);
  request.maxNewTokens = fields.integer("maxNewTokens", 1, kMaxCount);
  if (prompts > 0 && request.samplesPerPrompt > kMaxCount / prompts / request.maxNewTokens) {
    throw Error(kConfigError,
                "prompts × samplesPerPrompt × maxNewTokens must stay below 2^31 tokens; split the batch");
  }
  const Fields sampling(fields.get("sampling"), fields.path("sampling"));
  request.sampling.temperature = sampling.number("temperature");
  request.sampling.topK = sampling.integer("topK");
  request.sampling.topP = sampling.number("topP");
  request.sampling.minP = sampling.number("minP");
  request.seed = static_cast<uint64_t>(fields.integer("seed"));
  for (const int32_t id : fields.int32Array("stopTokenIds")) request.stopTokenIds.push_back(id);
  request.ignoreEos = fields.boolean("ignoreEos");
  request.stopStrings = fields.strings("stopStrings");
  if (!request.stopStrings.empty()) request.tokenBytes = readTokenBytes(fields);
  const int64_t maxBatch = fields.integer("maxBatch", 0, kMaxCount);
  if (maxBatch > 0) request.maxBatch = maxBatch;
  request.maxKvBytes = fields.integer("maxKvBytes");
  request.returnPartialOnAbort = fields.boolean("returnPartialOnAbort");
  return request;
}

}  // namespace toolr0::addon
