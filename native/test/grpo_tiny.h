#pragma once
// A randomly initialised tiny model and random GRPO batches for the trainer's tests.
#include <ATen/ATen.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "grpo/trainer.h"
#include "model/model.h"
#include "temporary_folder.h"

namespace check {

struct TinyShape {
  int vocab = 61, hidden = 32, layers = 2, heads = 4, kvHeads = 2, intermediate = 48;
  bool tied = true;
};

inline std::shared_ptr<toolr0::Model> tinyModel(const TinyShape& s = {}, uint64_t seed = 1,
                                                at::ScalarType dtype = at::kFloat) {
  const TemporaryFolder folder;
  const auto field = [](const char* key, int value) {
    return "\"" + std::string(key) + "\":" + std::to_string(value) + ",";
  };
  folder.write("config.json",
               "{\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\",\"hidden_act\":\"silu\"," +
                   field("vocab_size", s.vocab) + field("hidden_size", s.hidden) +
                   field("intermediate_size", s.intermediate) + field("num_hidden_layers", s.layers) +
                   field("num_attention_heads", s.heads) + field("num_key_value_heads", s.kvHeads) +
                   field("max_position_embeddings", 512) + field("eos_token_id", 0) +
                   "\"rms_norm_eps\":1e-6,\"rope_theta\":10000.0,\"torch_dtype\":\"float32\"," +
                   "\"tie_word_embeddings\":" + (s.tied ? "true" : "false") + "}");
  return toolr0::initModel(folder.path(), at::kCPU, dtype, seed);
}

// `prompts` groups of `group` completions of ragged length, with rollout and old log-probabilities a little
// off the policy's.
inline toolr0::TrainBatch randomBatch(toolr0::Model& model, int prompts, int group, int longest,
                                      unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int32_t>(random() % static_cast<unsigned>(n)); };
  std::normal_distribution<float> normal;
  const int vocab = static_cast<int>(model.config.vocabSize);
  toolr0::TrainBatch batch;
  batch.promptOffsets = batch.completionOffsets = {0};
  std::vector<int32_t> sequences, offsets{0}, promptLengths;
  for (int p = 0; p < prompts; ++p) {
    const int promptLength = 3 + below(9);
    for (int i = 0; i < promptLength; ++i) batch.promptTokens.push_back(below(vocab));
    batch.promptOffsets.push_back(static_cast<int32_t>(batch.promptTokens.size()));
    for (int g = 0; g < group; ++g) {
      batch.promptOfRow.push_back(p);
      batch.advantages.push_back(normal(random));
      sequences.insert(sequences.end(), batch.promptTokens.end() - promptLength, batch.promptTokens.end());
      const int length = 1 + below(longest);
      for (int i = 0; i < length; ++i) {
        batch.completionTokens.push_back(below(vocab));
        sequences.push_back(batch.completionTokens.back());
      }
      batch.completionOffsets.push_back(static_cast<int32_t>(batch.completionTokens.size()));
      promptLengths.push_back(promptLength);
      offsets.push_back(static_cast<int32_t>(sequences.size()));
    }
  }
  const std::vector<float> logps = toolr0::sequenceLogprobs(model, sequences, offsets, 1.0, 4096, {});
  for (size_t row = 0; row < promptLengths.size(); ++row) {
    for (int32_t i = offsets[row] + promptLengths[row] - 1; i + 1 < offsets[row + 1]; ++i) {
      batch.oldLogprobs.push_back(logps[i] + 0.2f * normal(random));
      batch.samplingLogprobs.push_back(logps[i] + 0.05f * normal(random));
    }
  }
  return batch;
}

inline double relativeDifference(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).to(at::kDouble).norm() / b.to(at::kDouble).norm().clamp_min(1e-12)).item<double>();
}

}  // namespace check
