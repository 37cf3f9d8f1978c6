#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/model_config.h"

namespace toolr0 {

// One decoder layer. Fused matrices: rows of `qkvWeight` are q heads, then k heads, then v heads; rows of
// `gateUpWeight` are gate, then up. Undefined tensors = absent in this architecture.
struct LayerWeights {
  at::Tensor inputNorm;                 // [hidden]
  at::Tensor qkvWeight, qkvBias;        // [qkvSize, hidden], [qkvSize]
  at::Tensor queryNorm, keyNorm;        // [headDim]
  at::Tensor outputWeight, outputBias;  // [hidden, heads*headDim], [hidden]
  at::Tensor postAttentionNorm;         // [hidden]
  at::Tensor gateUpWeight, gateUpBias;  // [2*intermediate, hidden], [2*intermediate]
  at::Tensor downWeight, downBias;      // [hidden, intermediate], [hidden]
};

// All parameters. Also the type of gradients, fp32 masters and optimiser moments: same shapes, other dtype.
struct ModelWeights {
  at::Tensor embedding;  // [vocab, hidden]
  std::vector<LayerWeights> layers;
  at::Tensor finalNorm;  // [hidden]
  at::Tensor lmHead;     // [vocab, hidden]; the same tensor object as `embedding` when tied

  // Calls `fn` once per distinct stored (fused) parameter, in a fixed order; a tied lmHead is not visited
  // twice. Names: "model.embed_tokens.weight", "model.layers.0.self_attn.qkv_proj.weight",
  // "…mlp.gate_up_proj.weight", …
  void forEach(const std::function<void(const std::string& name, at::Tensor& tensor)>& fn);
};

// A model in memory. `weights` are what every forward pass reads (compute dtype, on `device`).
// Trainer::create adds fp32 masters beside them (the same tensors when the compute dtype is fp32 already).
struct Model {
  ModelConfig config;
  ModelWeights weights;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  at::Tensor ropeCos, ropeSin;  // [maxPositionEmbeddings, headDim/2] fp32; grown on demand, see decoder.h
  std::shared_ptr<void> rolloutWorkspace;  // what generate() keeps between calls, see rollout/workspace.h
  int64_t parameterCount() const;
};

// Hugging Face parameter names → the slice (rows) of a fused tensor each stands for. Used to load, to save
// and to report per-parameter norms: e.g. "model.layers.0.self_attn.k_proj.weight" → rows of qkvWeight.
struct NamedSlice {
  std::string name;   // Hugging Face name
  at::Tensor tensor;  // a view (narrow) into the fused tensor; writing through it writes the fused tensor
};
std::vector<NamedSlice> huggingFaceSlices(const ModelConfig& config, ModelWeights& weights);

// Zero-filled weights of the given shape set (used for gradients, moments, masters).
ModelWeights emptyWeightsLike(const ModelConfig& config, at::Device device, at::ScalarType dtype);

// Reads config.json and one or many *.safetensors (memory-mapped; bf16/fp16/fp32 → `dtype`) from a Hugging
// Face folder. Throws Error(kModelFormatError / kIoError / kOutOfMemoryError) naming file, tensor and cure.
std::shared_ptr<Model> loadModel(const std::string& dir, at::Device device, at::ScalarType dtype);

// Random initialisation from config.json alone (no weights read): fan-in normal, norms 1, biases 0, output
// and down projections further scaled by 1/sqrt(2*layers). Deterministic in `seed`, equal on every device
// (drawn on the CPU).
std::shared_ptr<Model> initModel(const std::string& dir, at::Device device, at::ScalarType dtype,
                                 uint64_t seed);

// Writes `file` (model.safetensors) with Hugging Face names in `dtype`: temporary name, flush, rename. Throws
// Error(kIoError) with errno's text; nothing half-written is left.
void saveWeights(const ModelConfig& config, ModelWeights& weights, const std::string& file,
                 at::ScalarType dtype);

// Copies all weights of `from` into `to` in place (same config required).
void copyWeights(const Model& from, Model& to);

}  // namespace toolr0
