#pragma once
#include <ATen/ATen.h>

namespace toolr0 {
// Log-probability and entropy of given tokens from hidden states, never holding more than `chunkRows` rows of
// logits. hidden [T, hidden]; row i of the result is token target[i] predicted from hidden[hiddenRow[i]]
// (rows may repeat: the last prompt token predicts the first token of every completion of its group). logits
// = hidden @ lmHead^T / temperature, fp32.
struct LogprobHeadOutput {
  at::Tensor logprobs;  // [N] fp32
  at::Tensor entropy;   // [N] fp32 (nats)
  at::Tensor lse;       // [N] fp32 log-sum-exp of the logits; handing it to the backward saves it one pass
};
LogprobHeadOutput logprobHead(const at::Tensor& hidden, const at::Tensor& hiddenRow /*[N] int64*/,
                              const at::Tensor& target /*[N] int64*/,
                              const at::Tensor& lmHead /*[vocab, hidden]*/, double temperature,
                              int64_t chunkRows);
// Given dLogprobs [N] fp32 = d(loss)/d(logprob): adds into dLmHead [vocab, hidden] fp32 and returns dHidden
// [T, hidden] (hidden's dtype). Logits are recomputed chunk by chunk; `lse` is the forward's (undefined =
// recomputed too).
at::Tensor logprobHeadBackward(const at::Tensor& dLogprobs, const at::Tensor& hidden,
                               const at::Tensor& hiddenRow, const at::Tensor& target,
                               const at::Tensor& lmHead, double temperature, int64_t chunkRows,
                               at::Tensor& dLmHead, const at::Tensor& lse = {});
// Both at once, where d(loss)/d(logprob) does not depend on the log-probabilities (a plain language-model
// loss): the logits are computed once. dHidden receives [T, hidden].
LogprobHeadOutput logprobHeadForwardBackward(const at::Tensor& dLogprobs, const at::Tensor& hidden,
                                             const at::Tensor& hiddenRow, const at::Tensor& target,
                                             const at::Tensor& lmHead, double temperature, int64_t chunkRows,
                                             at::Tensor& dHidden, at::Tensor& dLmHead);

// The two row kernels inside (fused on CUDA). logits [R, vocab] fp32, already divided by the temperature.
void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse);
// In place: logits ← dLogprob * (onehot(target) - softmax(logits)).
void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs);
namespace reference {
void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse);
void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs);
}  // namespace reference
namespace cuda {  // only in builds with TR0_WITH_CUDA
void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse);
void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs);
}  // namespace cuda
}  // namespace toolr0
