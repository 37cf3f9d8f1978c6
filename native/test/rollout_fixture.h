#pragma once
// Small random models and requests for the rollout tests.
#include <ATen/ATen.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model/model.h"
#include "rollout/rollout.h"
#include "runtime/cancellation.h"
#include "temporary_folder.h"

namespace check {

struct ModelShape {
  int64_t vocab = 200, hidden = 64, intermediate = 96, layers = 2, heads = 4, kvHeads = 2, context = 256;
};

// Qwen2-shaped, tied, random. Scaled up so that its distributions are far from flat and greedy ties do not
// occur.
inline std::shared_ptr<toolr0::Model> randomModel(const ModelShape& shape, at::ScalarType dtype = at::kFloat,
                                                  double sharpen = 3.0) {
  TemporaryFolder folder;
  const auto field = [](const char* name, int64_t value) {
    return ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  folder.write("config.json",
               "{\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\",\"hidden_act\":\"silu\","
               "\"rms_norm_eps\":1e-6,\"rope_theta\":10000.0,\"tie_word_embeddings\":true" +
                   field("vocab_size", shape.vocab) + field("hidden_size", shape.hidden) +
                   field("intermediate_size", shape.intermediate) + field("num_hidden_layers", shape.layers) +
                   field("num_attention_heads", shape.heads) + field("num_key_value_heads", shape.kvHeads) +
                   field("max_position_embeddings", shape.context) + "}");
  auto model = toolr0::initModel(folder.path(), at::kCPU, dtype, 17);
  model->weights.finalNorm.mul_(sharpen);
  return model;
}

inline std::vector<std::vector<int32_t>> randomPrompts(const std::vector<int64_t>& lengths, int64_t vocab,
                                                       unsigned seed = 5) {
  std::mt19937 random(seed);
  std::vector<std::vector<int32_t>> prompts;
  for (const int64_t length : lengths) {
    std::vector<int32_t>& prompt = prompts.emplace_back();
    for (int64_t i = 0; i < length; ++i)
      prompt.push_back(static_cast<int32_t>(random() % static_cast<unsigned>(vocab)));
  }
  return prompts;
}

inline toolr0::RolloutResult generate(toolr0::Model& model, const toolr0::RolloutRequest& request,
                                      const toolr0::RolloutCallbacks& callbacks = {}) {
  const toolr0::CancelToken cancel;
  return toolr0::generate(model, request, callbacks, cancel);
}

inline std::vector<int32_t> rowTokens(const toolr0::RolloutResult& result, int64_t row) {
  return {result.tokens.begin() + result.offsets[row], result.tokens.begin() + result.offsets[row + 1]};
}

}  // namespace check
