// Dispatch and ATen reference of the two row kernels declared in logprob_head.h.
#include "kernels/logprob_head.h"

namespace toolr0 {
#if TR0_WITH_CUDA
namespace cuda {
void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse);
void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs);
}  // namespace cuda
#endif
namespace cpu {
void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse);
void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs);
}  // namespace cpu

void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse) {
#if TR0_WITH_CUDA
  if (logits.is_cuda()) return cuda::logitsToLogprob(logits, target, logprobs, entropy, lse);
#endif
  if (logits.is_cpu() && logits.is_contiguous())
    return cpu::logitsToLogprob(logits, target, logprobs, entropy, lse);
  reference::logitsToLogprob(logits, target, logprobs, entropy, lse);
}

void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs) {
#if TR0_WITH_CUDA
  if (logits.is_cuda()) return cuda::logprobToLogitsGradient(logits, target, lse, dLogprobs);
#endif
  if (logits.is_cpu() && logits.is_contiguous())
    return cpu::logprobToLogitsGradient(logits, target, lse, dLogprobs);
  reference::logprobToLogitsGradient(logits, target, lse, dLogprobs);
}

namespace reference {
void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse) {
  const at::Tensor normaliser = at::logsumexp(logits, 1);
  const at::Tensor logp = logits - normaliser.unsqueeze(1);  // [R, vocab]
  lse.copy_(normaliser);
  logprobs.copy_(logp.gather(1, target.unsqueeze(1)).squeeze(1));
  entropy.copy_((logp.exp() * logp).sum({1}).neg());
}

void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs) {
  const at::Tensor scale = dLogprobs.unsqueeze(1);
  logits.sub_(lse.unsqueeze(1)).exp_().mul_(scale.neg());
  logits.scatter_add_(1, target.unsqueeze(1), scale);
}
}  // namespace reference
}  // namespace toolr0
