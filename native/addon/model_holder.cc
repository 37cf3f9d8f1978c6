#include "addon/model_holder.h"

#include <cmath>

#include "kernels/packed_attention.h"
#include "model/decoder.h"

namespace toolr0::addon {

void checkTokenIds(const std::vector<int32_t>& tokens, int64_t vocabSize, const std::string& name) {
  for (size_t index = 0; index < tokens.size(); ++index) {
    if (tokens[index] < 0 || tokens[index] >= vocabSize) {
      throw Error(kConfigError, name + "[" + std::to_string(index) + "] is " + std::to_string(tokens[index]) +
                                    ", outside the vocabulary of " + std::to_string(vocabSize) + " tokens");
    }
  }
}

at::Tensor sequenceLogits(Model& model, const std::vector<int32_t>& tokens) {
  const auto length = static_cast<int64_t>(tokens.size());
  if (length == 0) throw Error(kConfigError, "tokens must not be empty");
  if (length > model.config.maxPositionEmbeddings) {
    throw Error(kConfigError, "tokens holds " + std::to_string(length) + " ids, more than the context of " +
                                  std::to_string(model.config.maxPositionEmbeddings));
  }
  checkTokenIds(tokens, model.config.vocabSize, "tokens");
  ensureRopeTables(model, length);
  const auto onDevice = at::TensorOptions().dtype(at::kLong).device(model.device);
  const at::Tensor ids = at::tensor(at::ArrayRef<int32_t>(tokens), at::kInt).to(onDevice);
  const at::Tensor positions = at::arange(length, onDevice);
  const std::vector<Segment> segments{{0, length, -1}};
  const double scale = 1.0 / std::sqrt(static_cast<double>(model.config.headDim));
  const AttentionFn attention = [&](int64_t, const at::Tensor& query, const at::Tensor& key,
                                    const at::Tensor& value) {
    at::Tensor lse;
    return packedAttention(query, key, value, segments, scale, lse);
  };
  const at::Tensor hidden = decoderForward(model, ids, positions, attention);
  return headLogits(model, hidden).to(at::kCPU, at::kFloat).contiguous();
}

}  // namespace toolr0::addon
