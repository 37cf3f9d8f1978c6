#include "model/decoder.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "kernels/bf16_product.h"
#include "kernels/linear_bf16.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/swiglu.h"
#include "model/decoder_layer.h"

namespace toolr0 {
namespace {

// Inverse frequencies [headDim/2] fp32, in the arithmetic (fp32) and order of transformers'
// modeling_rope_utils.
at::Tensor inverseFrequencies(const ModelConfig& config) {
  const at::Tensor exponents =
      at::arange(0, config.headDim, 2, at::kFloat).div_(static_cast<double>(config.headDim));
  const at::Tensor plain = at::pow(config.ropeTheta, exponents).reciprocal_();
  const RopeScaling& rope = config.ropeScaling;
  if (rope.type == "linear") return plain / rope.factor;
  if (rope.type != "llama3") return plain;
  // Long wavelengths are slowed down by `factor`, short ones kept, those between interpolated.
  const double originalLength = static_cast<double>(rope.originalMaxPositionEmbeddings);
  const at::Tensor wavelength = (2.0 * M_PI) / plain;
  const at::Tensor isLong = wavelength > originalLength / rope.lowFreqFactor;
  const at::Tensor isShort = wavelength < originalLength / rope.highFreqFactor;
  const at::Tensor scaled = at::where(isLong, plain / rope.factor, plain);
  const at::Tensor smooth =
      (originalLength / wavelength - rope.lowFreqFactor) / (rope.highFreqFactor - rope.lowFreqFactor);
  const at::Tensor interpolated = (1.0 - smooth) * scaled / rope.factor + smooth * scaled;
  return at::where(isLong.logical_or(isShort), scaled, interpolated);
}

}  // namespace

void ensureRopeTables(Model& model, int64_t length) {
  const int64_t current = model.ropeCos.defined() ? model.ropeCos.size(0) : 0;
  if (length <= current) return;
  c10::NoGradGuard noGrad;
  const int64_t rows = std::max<int64_t>({length, 2 * current, 256});
  const at::Tensor angles = at::outer(at::arange(rows, at::kFloat), inverseFrequencies(model.config));
  model.ropeCos = angles.cos().to(model.device);
  model.ropeSin = angles.sin().to(model.device);
}

at::Tensor decoderForward(Model& model, const at::Tensor& tokens, const at::Tensor& positions,
                          const AttentionFn& attention) {
  c10::NoGradGuard noGrad;
  if (positions.is_cpu() && positions.numel() > 0)
    ensureRopeTables(model, positions.max().item<int64_t>() + 1);
  const ModelConfig& config = model.config;
  at::Tensor x = model.weights.embedding.index_select(0, tokens);
  at::Tensor rstd;
  for (size_t i = 0; i < model.weights.layers.size(); ++i) {
    const LayerWeights& layer = model.weights.layers[i];
    const at::Tensor normed = rmsNorm(x, layer.inputNorm, config.rmsNormEps, rstd);
    LayerProjections heads = projectHeads(model, layer, normed, positions, nullptr);
    const at::Tensor attended = attention(static_cast<int64_t>(i), heads.query, heads.key, heads.value);
    addProjection(x, attended.reshape({x.size(0), -1}), layer.outputWeight, layer.outputBias);
    const at::Tensor postNormed = rmsNorm(x, layer.postAttentionNorm, config.rmsNormEps, rstd);
    const at::Tensor activated = swiglu(at::linear(postNormed, layer.gateUpWeight, layer.gateUpBias));
    addProjection(x, activated, layer.downWeight, layer.downBias);
  }
  return rmsNorm(x, model.weights.finalNorm, config.rmsNormEps, rstd);
}

at::Tensor headLogits(const Model& model, const at::Tensor& hidden) {
  c10::NoGradGuard noGrad;
  const at::Tensor& head = model.weights.lmHead;
  if (head.scalar_type() == at::kFloat) return at::mm(hidden, head.t());
  // 16-bit factors, fp32 sums and result: rounding logits to 16 bits would cost the log-probabilities two
  // decimals.
  if (head.is_cuda()) return at::mm(hidden, head.t(), at::kFloat);
  if (head.scalar_type() == at::kBFloat16 && head.size(1) % cpu::kInputBlock == 0 && cpu::hasAmx()) {
    const at::Tensor logits = at::empty({hidden.size(0), head.size(0)}, at::kFloat);
    cpu::productWithTransposed(logits, hidden, head);
    return logits;
  }
  // libtorch's CPU code has no such product; the head is widened in slices that stay in the cache.
  constexpr int64_t kSlice = 2048;
  const at::Tensor wide = hidden.to(at::kFloat);
  at::Tensor logits = at::empty({hidden.size(0), head.size(0)}, at::kFloat);
  for (int64_t row = 0; row < head.size(0); row += kSlice) {
    const int64_t count = std::min(kSlice, head.size(0) - row);
    logits.narrow(1, row, count).copy_(at::mm(wide, head.narrow(0, row, count).to(at::kFloat).t()));
  }
  return logits;
}

}  // namespace toolr0
