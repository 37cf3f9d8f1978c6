#pragma once
#include <ATen/ATen.h>

#include <cstdint>

namespace toolr0 {
struct SamplerOptions {
  double temperature = 1.0;  // 0 = greedy (argmax, lowest id wins a tie; log-probability of the untempered softmax)
  int64_t topK = 0;          // 0 = off
  double topP = 1.0, minP = 0.0;
};
// One token per row of logits [B, vocab] fp32. Row b draws the uniform u = philox(seed, stream[b], step[b]), so a row's
// result does not depend on which other rows are in the batch. Order of filters as in transformers: temperature, top-k,
// top-p, min-p. tokens [B] int64; logprobs [B] fp32 of the distribution that was sampled (after all filters).
void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream /*[B] int64*/,
            const at::Tensor& step /*[B] int64*/, at::Tensor& tokens, at::Tensor& logprobs);
namespace reference {
void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs);
}
}  // namespace toolr0
