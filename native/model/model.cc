#include "model/model.h"

#include <c10/core/GradMode.h>

#include <cmath>

#include "model/safetensors.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

std::string layerPrefix(size_t layer) {
  return "model.layers." + std::to_string(layer) + ".";
}

// Visits one layer's tensors, absent ones included, in the fixed order of `forEach`.
template <typename Visit>
void visitLayer(LayerWeights& layer, const std::string& prefix, Visit&& visit) {
  visit(prefix + "input_layernorm.weight", layer.inputNorm);
  visit(prefix + "self_attn.qkv_proj.weight", layer.qkvWeight);
  visit(prefix + "self_attn.qkv_proj.bias", layer.qkvBias);
  visit(prefix + "self_attn.q_norm.weight", layer.queryNorm);
  visit(prefix + "self_attn.k_norm.weight", layer.keyNorm);
  visit(prefix + "self_attn.o_proj.weight", layer.outputWeight);
  visit(prefix + "self_attn.o_proj.bias", layer.outputBias);
  visit(prefix + "post_attention_layernorm.weight", layer.postAttentionNorm);
  visit(prefix + "mlp.gate_up_proj.weight", layer.gateUpWeight);
  visit(prefix + "mlp.gate_up_proj.bias", layer.gateUpBias);
  visit(prefix + "mlp.down_proj.weight", layer.downWeight);
  visit(prefix + "mlp.down_proj.bias", layer.downBias);
}

}  // namespace

void ModelWeights::forEach(const std::function<void(const std::string& name, at::Tensor& tensor)>& fn) {
  const auto visit = [&fn](const std::string& name, at::Tensor& tensor) {
    if (tensor.defined()) fn(name, tensor);
  };
  const bool tied = lmHead.is_same(embedding);
  visit("model.embed_tokens.weight", embedding);
  for (size_t i = 0; i < layers.size(); ++i) visitLayer(layers[i], layerPrefix(i), visit);
  visit("model.norm.weight", finalNorm);
  if (!tied) visit("lm_head.weight", lmHead);
  // A visitor may replace the tensor, not only write to it; the tie must survive that.
  if (tied) lmHead = embedding;
}

int64_t Model::parameterCount() const {
  int64_t count = 0;
  ModelWeights view = weights;
  view.forEach([&count](const std::string&, at::Tensor& tensor) { count += tensor.numel(); });
  return count;
}

std::vector<NamedSlice> huggingFaceSlices(const ModelConfig& config, ModelWeights& weights) {
  std::vector<NamedSlice> slices;
  const int64_t queryRows = config.numAttentionHeads * config.headDim;
  const int64_t keyRows = config.numKeyValueHeads * config.headDim;
  weights.forEach([&](const std::string& name, at::Tensor& tensor) {
    // Rows of a fused tensor, in order: (Hugging Face's stem, number of rows).
    const auto split = [&](const std::string& fused,
                           const std::vector<std::pair<std::string, int64_t>>& parts) {
      const size_t at = name.find(fused);
      if (at == std::string::npos) return false;
      int64_t row = 0;
      for (const auto& [stem, rows] : parts) {
        std::string partName = name;
        partName.replace(at, fused.size(), stem);
        slices.push_back({partName, tensor.narrow(0, row, rows)});
        row += rows;
      }
      return true;
    };
    if (split("qkv_proj", {{"q_proj", queryRows}, {"k_proj", keyRows}, {"v_proj", keyRows}})) return;
    if (split("gate_up_proj", {{"gate_proj", config.intermediateSize}, {"up_proj", config.intermediateSize}}))
      return;
    slices.push_back({name, tensor});
  });
  return slices;
}

ModelWeights emptyWeightsLike(const ModelConfig& config, at::Device device, at::ScalarType dtype) {
  const at::TensorOptions options = at::TensorOptions().device(device).dtype(dtype);
  const auto zeros = [&](std::vector<int64_t> shape) { return at::zeros(shape, options); };
  const int64_t hidden = config.hiddenSize;
  const int64_t attention = config.numAttentionHeads * config.headDim;
  const int64_t intermediate = config.intermediateSize;
  c10::NoGradGuard noGrad;
  ModelWeights weights;
  try {
    weights.embedding = zeros({config.vocabSize, hidden});
    weights.layers.resize(static_cast<size_t>(config.numHiddenLayers));
    for (LayerWeights& layer : weights.layers) {
      layer.inputNorm = zeros({hidden});
      layer.qkvWeight = zeros({config.qkvSize(), hidden});
      if (config.attentionBias) layer.qkvBias = zeros({config.qkvSize()});
      if (config.queryKeyNorm) layer.queryNorm = zeros({config.headDim});
      if (config.queryKeyNorm) layer.keyNorm = zeros({config.headDim});
      layer.outputWeight = zeros({hidden, attention});
      if (config.attentionOutputBias) layer.outputBias = zeros({hidden});
      layer.postAttentionNorm = zeros({hidden});
      layer.gateUpWeight = zeros({2 * intermediate, hidden});
      if (config.mlpBias) layer.gateUpBias = zeros({2 * intermediate});
      layer.downWeight = zeros({hidden, intermediate});
      if (config.mlpBias) layer.downBias = zeros({hidden});
    }
    weights.finalNorm = zeros({hidden});
    weights.lmHead = config.tieWordEmbeddings ? weights.embedding : zeros({config.vocabSize, hidden});
  } catch (const c10::Error& error) {
    throw Error(kOutOfMemoryError, std::string("not enough memory for the weights of this model in ") +
                                       c10::toString(dtype) + " on " + device.str() +
                                       "; use a smaller model, bfloat16 or another device (" +
                                       error.what_without_backtrace() + ")");
  }
  return weights;
}

void saveWeights(const ModelConfig& config, ModelWeights& weights, const std::string& file,
                 at::ScalarType dtype) {
  c10::NoGradGuard noGrad;
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (NamedSlice& slice : huggingFaceSlices(config, weights)) tensors.emplace_back(slice.name, slice.tensor);
  writeSafetensors(file, tensors, {{"format", "pt"}}, dtype);
}

void copyWeights(const Model& from, Model& to) {
  c10::NoGradGuard noGrad;
  std::vector<at::Tensor> sources;
  ModelWeights view = from.weights;
  view.forEach([&sources](const std::string&, at::Tensor& tensor) { sources.push_back(tensor); });
  size_t next = 0;
  const auto mismatch = [](const std::string& name) {
    return Error(kConfigError, "the two models differ in shape at " + name +
                                   "; weights are copied between equal models only");
  };
  to.weights.forEach([&](const std::string& name, at::Tensor& tensor) {
    if (next >= sources.size() || sources[next].sizes() != tensor.sizes()) throw mismatch(name);
    ++next;
  });
  if (next != sources.size()) throw mismatch("the number of parameters");
  next = 0;
  to.weights.forEach([&](const std::string&, at::Tensor& tensor) { tensor.copy_(sources[next++]); });
}

}  // namespace toolr0
