#pragma once
// What a batch from outside must fulfil, shared by the GRPO and the language-model batches.
#include <cstdint>
#include <string>
#include <vector>

#include "model/model_config.h"

namespace toolr0 {

// offsets [n + 1] must start at 0, not decrease and end at `total`. Throws Error(kConfigError) naming `what`.
void checkOffsets(const std::vector<int32_t>& offsets, size_t total, const std::string& what);
// Every id must lie in the vocabulary. Throws Error(kConfigError) naming the first that does not.
void checkTokenIds(const std::vector<int32_t>& tokens, const ModelConfig& config, const std::string& what);
// Throws Error(kConfigError) when a sequence of `length` tokens exceeds the model's context.
void checkContext(int64_t length, const ModelConfig& config, const std::string& what);

}  // namespace toolr0
