#include "grpo/packed_forward.h"

#include <cmath>

#include "kernels/packed_attention.h"
#include "model/decoder.h"

namespace toolr0 {

at::Tensor packedForward(Model& model, const PackedBatch& batch, int64_t contextLength) {
  ensureRopeTables(model, contextLength);
  const double scale = 1.0 / std::sqrt(static_cast<double>(model.config.headDim));
  return decoderForward(
      model, batch.tokens, batch.positions,
      [&](int64_t, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
        at::Tensor lse;
        return packedAttention(query, key, value, batch.segments, scale, lse);
      });
}

}  // namespace toolr0
