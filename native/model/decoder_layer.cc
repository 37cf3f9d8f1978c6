#include "model/decoder_layer.h"

#include "kernels/rms_norm.h"
#include "kernels/rope.h"

namespace toolr0 {

LayerProjections projectHeads(Model& model, const LayerWeights& layer, const at::Tensor& normed,
                              const at::Tensor& positions, LayerTape* tape) {
  const ModelConfig& config = model.config;
  const int64_t heads = config.numAttentionHeads, keyHeads = config.numKeyValueHeads;
  const at::Tensor fused = at::linear(normed, layer.qkvWeight, layer.qkvBias)
                               .view({normed.size(0), heads + 2 * keyHeads, config.headDim});
  LayerProjections out{fused.narrow(1, 0, heads), fused.narrow(1, heads, keyHeads),
                       fused.narrow(1, heads + keyHeads, keyHeads)};
  if (!config.queryKeyNorm) {
    at::Tensor queryAndKey = fused.narrow(1, 0, heads + keyHeads);  // adjacent, so one launch rotates both
    ropeInPlace(queryAndKey, positions, model.ropeCos, model.ropeSin);
    return out;
  }
  const at::Tensor query = out.query.contiguous(), key = out.key.contiguous();
  at::Tensor queryRstd, keyRstd;
  out.query = rmsNorm(query, layer.queryNorm, config.rmsNormEps, queryRstd);
  out.key = rmsNorm(key, layer.keyNorm, config.rmsNormEps, keyRstd);
  ropeInPlace(out.query, positions, model.ropeCos, model.ropeSin);
  ropeInPlace(out.key, positions, model.ropeCos, model.ropeSin);
  if (tape != nullptr) {
    tape->queryBeforeNorm = query;
    tape->keyBeforeNorm = key;
    tape->queryRstd = queryRstd;
    tape->keyRstd = keyRstd;
  }
  return out;
}

void addProjection(at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                   const at::Tensor& bias) {
  residual.addmm_(x, weight.t());
  if (bias.defined()) residual.add_(bias);
}

}  // namespace toolr0
