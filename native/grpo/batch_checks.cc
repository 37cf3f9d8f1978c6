#include "grpo/batch_checks.h"

#include "grpo/packing.h"
#include "runtime/error.h"

namespace toolr0 {

void checkOffsets(const std::vector<int32_t>& offsets, size_t total, const std::string& what) {
  bool fits = !offsets.empty() && offsets.front() == 0 && static_cast<size_t>(offsets.back()) == total;
  for (size_t i = 1; fits && i < offsets.size(); ++i) fits = offsets[i] >= offsets[i - 1];
  if (!fits) {
    throw Error(kConfigError, what + " must start at 0, never decrease and end at the number of tokens, " +
                                  std::to_string(total));
  }
}

void checkTokenIds(const std::vector<int32_t>& tokens, const ModelConfig& config, const std::string& what) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= config.vocabSize) {
      throw Error(kConfigError, what + "[" + std::to_string(i) + "] is " + std::to_string(tokens[i]) +
                                    ", outside the vocabulary of " + std::to_string(config.vocabSize) +
                                    " tokens");
    }
  }
}

void checkContext(int64_t length, const ModelConfig& config, const std::string& what) {
  if (config.maxPositionEmbeddings > 0 && length > config.maxPositionEmbeddings) {
    throw Error(kConfigError, what + " has " + std::to_string(length) +
                                  " tokens, more than the model's context of " +
                                  std::to_string(config.maxPositionEmbeddings));
  }
}

void checkTrainBatch(const TrainBatch& batch, const ModelConfig& config) {
  checkOffsets(batch.promptOffsets, batch.promptTokens.size(), "promptOffsets");
  checkOffsets(batch.completionOffsets, batch.completionTokens.size(), "completionOffsets");
  checkTokenIds(batch.promptTokens, config, "promptTokens");
  checkTokenIds(batch.completionTokens, config, "completionTokens");
  const size_t rows = batch.completionOffsets.size() - 1, prompts = batch.promptOffsets.size() - 1;
  if (rows == 0) throw Error(kConfigError, "the batch has no rows");
  const auto checkLength = [](const char* name, size_t got, size_t want, bool optional) {
    if (got == want || (optional && got == 0)) return;
    throw Error(kConfigError, std::string(name) + " has " + std::to_string(got) + " entries, expected " +
                                  std::to_string(want));
  };
  checkLength("promptOfRow", batch.promptOfRow.size(), rows, false);
  checkLength("advantages", batch.advantages.size(), rows, false);
  checkLength("rowMask", batch.rowMask.size(), rows, true);
  checkLength("samplingLogprobs", batch.samplingLogprobs.size(), batch.completionTokens.size(), true);
  checkLength("oldLogprobs", batch.oldLogprobs.size(), batch.completionTokens.size(), true);
  checkLength("refLogprobs", batch.refLogprobs.size(), batch.completionTokens.size(), true);
  for (size_t row = 0; row < rows; ++row) {
    const int32_t prompt = batch.promptOfRow[row];
    if (prompt < 0 || static_cast<size_t>(prompt) >= prompts) {
      throw Error(kConfigError, "promptOfRow[" + std::to_string(row) + "] is " + std::to_string(prompt) +
                                    ", there are " + std::to_string(prompts) + " prompts");
    }
    const int64_t promptTokens = batch.promptOffsets[prompt + 1] - batch.promptOffsets[prompt];
    if (promptTokens == 0) {
      throw Error(kConfigError, "prompt " + std::to_string(prompt) +
                                    " is empty: the first completion token would be predicted from nothing");
    }
    checkContext(promptTokens + batch.completionOffsets[row + 1] - batch.completionOffsets[row], config,
                 "row " + std::to_string(row) + " (prompt and completion)");
  }
}

}  // namespace toolr0
