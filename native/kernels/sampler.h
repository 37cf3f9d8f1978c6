#pragma once
#include <ATen/ATen.h>

#include <cstdint>

namespace toolr0 {
struct SamplerOptions {
  double temperature =
      1.0;           // 0 = greedy (argmax, lowest id wins a tie; log-probability of the untempered softmax)
  int64_t topK = 0;  // 0 = off
  double topP = 1.0, minP = 0.0;
};
// Throws Error(kConfigError) naming the option: temperature ≥ 0 and finite, topK ≥ 0, topP in (0, 1], minP in
// [0, 1].
void checkSamplerOptions(const SamplerOptions& options);

// One token per row of logits [B, vocab] fp32. Row b draws the uniform u = philox(seed, stream[b], step[b]),
// so a row's result does not depend on which other rows are in the batch. Order of filters as in
// transformers: temperature, top-k (ties with the k-th logit stay), top-p (of equal logits the lower id
// counts as the more probable), min-p; then the first token, in id order, whose cumulative probability
// exceeds u. tokens [B] int64; logprobs [B] fp32 of the distribution that was sampled (after all filters).
// Throws Error(kNumericError) naming the row if one holds a NaN, a +inf or nothing but -inf.
void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed,
            const at::Tensor& stream /*[B] int64*/, const at::Tensor& step /*[B] int64*/, at::Tensor& tokens,
            at::Tensor& logprobs);
namespace reference {
void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs);
}
}  // namespace toolr0
