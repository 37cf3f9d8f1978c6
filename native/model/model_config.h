#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace toolr0 {

// Llama-3 RoPE scaling ("rope_type": "llama3"); `factor` == 1 means plain RoPE. "linear" scaling sets only
// `factor`.
struct RopeScaling {
  std::string type = "default";  // default | linear | llama3
  double factor = 1.0, lowFreqFactor = 1.0, highFreqFactor = 4.0;
  int64_t originalMaxPositionEmbeddings = 0;
};

// The parts of a Hugging Face config.json that decide the arithmetic. Field names follow Hugging Face's, in
// camelCase.
struct ModelConfig {
  std::string modelType;  // qwen2 | llama | qwen3
  int64_t vocabSize = 0, hiddenSize = 0, intermediateSize = 0;
  int64_t numHiddenLayers = 0, numAttentionHeads = 0, numKeyValueHeads = 0, headDim = 0;
  int64_t maxPositionEmbeddings = 0;
  double rmsNormEps = 1e-6, ropeTheta = 10000.0;
  RopeScaling ropeScaling;
  bool tieWordEmbeddings = false;
  bool attentionBias = false;        // bias on q, k, v (Qwen2: always)
  bool attentionOutputBias = false;  // bias on o_proj (Llama with attention_bias)
  bool mlpBias = false;              // bias on gate, up, down (Llama with mlp_bias)
  bool queryKeyNorm = false;         // RMSNorm per head on q and k before RoPE (Qwen3)
  std::vector<int64_t> eosTokenIds;  // config.json ∪ generation_config.json
  std::string dtype;                 // float32 | bfloat16 | float16, as stored

  int64_t qkvSize() const { return (numAttentionHeads + 2 * numKeyValueHeads) * headDim; }
};

// Reads `dir`/config.json (and generation_config.json where present), both the
// `rope_theta`/`rope_scaling`/`torch_dtype` and the `rope_parameters`/`dtype` style. Throws
// Error(kModelFormatError) naming file, field and cure: missing file, not JSON, unsupported architecture,
// absent or non-positive sizes, heads not divisible, sliding window in use, ...
ModelConfig readModelConfig(const std::string& dir);

}  // namespace toolr0
