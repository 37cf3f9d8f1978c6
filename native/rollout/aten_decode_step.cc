#include "rollout/aten_decode_step.h"

#include <cmath>

#include "kernels/decode_attention.h"
#include "model/decoder.h"

namespace toolr0 {

AtenDecodeStep::AtenDecodeStep(Model& model, KvCache& cache, const RolloutRequest& request)
    : model_(model),
      cache_(cache),
      request_(request),
      scale_(1.0 / std::sqrt(static_cast<double>(model.config.headDim))) {}

void AtenDecodeStep::run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) {
  const at::Tensor slots = indices.slots();
  DecodeAttentionInput input;
  input.prefixIndex = indices.prefixIndex();
  input.prefixTable = indices.prefixTable();
  input.prefixLength = indices.prefixLength();
  input.suffixTable = indices.suffixTable();
  input.suffixLength = indices.suffixLength();
  input.scale = scale_;
  const at::Tensor hidden = decoderForward(
      model_, indices.tokens(), indices.positions(),
      [&](int64_t layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
        cache_.write(layer, slots, key, value);
        input.query = query;
        input.keyPages = cache_.keys(layer);
        input.valuePages = cache_.values(layer);
        return decodeAttention(input);
      });
  tokens = at::Tensor();
  logprobs = at::Tensor();
  sample(headLogits(model_, hidden), request_.sampling, request_.seed, indices.streams(), indices.steps(),
         tokens, logprobs);
}

}  // namespace toolr0
