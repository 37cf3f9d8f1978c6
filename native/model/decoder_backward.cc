// Training pass: forward with a tape, and the backward pass written out by hand. No autograd graph is ever
// built, so activations are freed as soon as their layer is done and weight gradients go straight into their
// fp32 sums.
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "kernels/packed_attention.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/swiglu.h"
#include "model/decoder.h"
#include "model/decoder_layer.h"
#include "model/gradient_sums.h"

namespace toolr0 {
namespace {

double attentionScale(const ModelConfig& config) {
  return 1.0 / std::sqrt(static_cast<double>(config.headDim));
}

// Fills the whole tape of a layer from its input.
void fillTape(Model& model, const LayerWeights& layer, const PackedBatch& batch, const at::Tensor& input,
              LayerTape& tape) {
  const double eps = model.config.rmsNormEps;
  tape.input = input;
  tape.inputNormOut = rmsNorm(input, layer.inputNorm, eps, tape.inputNormRstd);
  LayerProjections heads = projectHeads(model, layer, tape.inputNormOut, batch.positions, &tape);
  tape.query = heads.query;
  tape.key = heads.key;
  tape.value = heads.value;
  tape.attentionOut = packedAttention(tape.query, tape.key, tape.value, batch.segments,
                                      attentionScale(model.config), tape.attentionLse);
  tape.middle = input.clone();
  addProjection(tape.middle, tape.attentionOut.view({input.size(0), -1}), layer.outputWeight,
                layer.outputBias);
  tape.postNormOut = rmsNorm(tape.middle, layer.postAttentionNorm, eps, tape.postNormRstd);
  tape.gateUp = at::linear(tape.postNormOut, layer.gateUpWeight, layer.gateUpBias);
  tape.activated = swiglu(tape.gateUp);
}

// The residual stream that leaves the layer: [T, hidden].
at::Tensor layerOutput(const LayerWeights& layer, const LayerTape& tape) {
  at::Tensor output = tape.middle.clone();
  addProjection(output, tape.activated, layer.downWeight, layer.downBias);
  return output;
}

// d [T, hidden]: gradient of the layer's output on entry, of its `middle` on return.
void backwardMlp(const Model& model, const LayerWeights& layer, LayerTape& tape, at::Tensor& d,
                 LayerWeights& gradient) {
  addWeightGradient(gradient.downWeight, d, tape.activated);
  addBiasGradient(gradient.downBias, d);
  const at::Tensor dGateUp = swigluBackward(at::mm(d, layer.downWeight), tape.gateUp);
  tape.activated = tape.gateUp = at::Tensor();
  addWeightGradient(gradient.gateUpWeight, dGateUp, tape.postNormOut);
  addBiasGradient(gradient.gateUpBias, dGateUp);
  const at::Tensor dNorm = at::mm(dGateUp, layer.gateUpWeight);
  d.add_(rmsNormBackward(dNorm, tape.middle, layer.postAttentionNorm, tape.postNormRstd,
                         gradient.postAttentionNorm));
}

// d [T, hidden]: gradient of the layer's `middle` on entry, of its input on return.
void backwardAttention(const Model& model, const LayerWeights& layer, const PackedBatch& batch,
                       LayerTape& tape, at::Tensor& d, LayerWeights& gradient) {
  const ModelConfig& config = model.config;
  const int64_t tokens = d.size(0), heads = config.numAttentionHeads, keyHeads = config.numKeyValueHeads;
  addWeightGradient(gradient.outputWeight, d, tape.attentionOut.view({tokens, -1}));
  addBiasGradient(gradient.outputBias, d);
  const at::Tensor dAttention = at::mm(d, layer.outputWeight).view({tokens, heads, config.headDim});

  const at::Tensor dFused = at::empty({tokens, heads + 2 * keyHeads, config.headDim}, d.options());
  at::Tensor dQuery = dFused.narrow(1, 0, heads);
  at::Tensor dKey = dFused.narrow(1, heads, keyHeads);
  at::Tensor dValue = dFused.narrow(1, heads + keyHeads, keyHeads);
  packedAttentionBackward(dAttention, tape.query, tape.key, tape.value, tape.attentionOut, tape.attentionLse,
                          batch.segments, attentionScale(config), dQuery, dKey, dValue);
  at::Tensor dQueryAndKey = dFused.narrow(1, 0, heads + keyHeads);
  ropeInPlace(dQueryAndKey, batch.positions, model.ropeCos, model.ropeSin, /*inverse=*/true);
  if (config.queryKeyNorm) {
    dQuery.copy_(rmsNormBackward(dQuery.contiguous(), tape.queryBeforeNorm, layer.queryNorm, tape.queryRstd,
                                 gradient.queryNorm));
    dKey.copy_(rmsNormBackward(dKey.contiguous(), tape.keyBeforeNorm, layer.keyNorm, tape.keyRstd,
                               gradient.keyNorm));
  }
  const at::Tensor dProjected = dFused.view({tokens, -1});
  addWeightGradient(gradient.qkvWeight, dProjected, tape.inputNormOut);
  addBiasGradient(gradient.qkvBias, dProjected);
  const at::Tensor dNorm = at::mm(dProjected, layer.qkvWeight);
  d.add_(rmsNormBackward(dNorm, tape.input, layer.inputNorm, tape.inputNormRstd, gradient.inputNorm));
}

int64_t longestPosition(const PackedBatch& batch) {
  int64_t longest = 1;
  for (const Segment& segment : batch.segments) {
    const int64_t prefix =
        segment.prefix < 0 ? 0 : batch.segments[static_cast<size_t>(segment.prefix)].length;
    longest = std::max(longest, prefix + segment.length);
  }
  return longest;
}

}  // namespace

at::Tensor decoderForwardTape(Model& model, const PackedBatch& batch, DecoderTape& tape, int64_t keptLayers) {
  c10::NoGradGuard noGrad;
  ensureRopeTables(model, longestPosition(batch));
  const auto layers = static_cast<int64_t>(model.weights.layers.size());
  tape.checkpointed = static_cast<size_t>(layers - std::clamp<int64_t>(keptLayers, 0, layers));
  tape.layers.assign(model.weights.layers.size(), LayerTape());
  at::Tensor x = model.weights.embedding.index_select(0, batch.tokens);
  for (size_t i = 0; i < tape.layers.size(); ++i) {
    const at::Tensor input = x;
    fillTape(model, model.weights.layers[i], batch, input, tape.layers[i]);
    x = layerOutput(model.weights.layers[i], tape.layers[i]);
    if (i < tape.checkpointed) {
      tape.layers[i] = LayerTape();
      tape.layers[i].input = input;
    }
  }
  tape.finalInput = x;
  return rmsNorm(x, model.weights.finalNorm, model.config.rmsNormEps, tape.finalRstd);
}

void decoderBackward(Model& model, const PackedBatch& batch, DecoderTape& tape, const at::Tensor& dHidden,
                     ModelWeights& gradients) {
  c10::NoGradGuard noGrad;
  at::Tensor d = rmsNormBackward(dHidden.to(model.dtype).contiguous(), tape.finalInput,
                                 model.weights.finalNorm, tape.finalRstd, gradients.finalNorm);
  tape.finalInput = at::Tensor();
  for (size_t i = tape.layers.size(); i-- > 0;) {
    LayerTape layerTape = std::move(tape.layers[i]);
    const LayerWeights& layer = model.weights.layers[i];
    if (i < tape.checkpointed) fillTape(model, layer, batch, at::Tensor(layerTape.input), layerTape);
    backwardMlp(model, layer, layerTape, d, gradients.layers[i]);
    backwardAttention(model, layer, batch, layerTape, d, gradients.layers[i]);
  }
  tape.layers.clear();
  addEmbeddingGradient(gradients.embedding, batch.tokens, d);
}

}  // namespace toolr0
