#include "kernels/cuda_tensor.h"
#include "kernels/logprob_head.h"

namespace toolr0::cuda {

void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse) {
  TORCH_CHECK(logits.is_contiguous() && logits.scalar_type() == at::kFloat,
              "logitsToLogprob: contiguous float32 logits expected");
  const int64_t rows = logits.size(0), vocab = logits.size(1);
  for (at::Tensor* out : {&logprobs, &entropy, &lse}) {
    if (!out->defined()) *out = at::empty({rows}, logits.options());
    TORCH_CHECK(out->is_contiguous() && out->size(0) == rows,
                "logitsToLogprob: outputs must be contiguous [rows]");
  }
  if (rows == 0) return;
  const c10::cuda::CUDAGuard guard(logits.device());
  const at::Tensor targets = target.contiguous();
  launchLogitsToLogprob(pointer<const float>(logits), pointer<const int64_t>(targets),
                        pointer<float>(logprobs), pointer<float>(entropy), pointer<float>(lse), rows, vocab,
                        streamOf(logits));
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs) {
  TORCH_CHECK(logits.is_contiguous() && logits.scalar_type() == at::kFloat,
              "logprobToLogitsGradient: contiguous float32 logits expected");
  const int64_t rows = logits.size(0), vocab = logits.size(1);
  if (rows == 0) return;
  const c10::cuda::CUDAGuard guard(logits.device());
  const at::Tensor targets = target.contiguous(), total = lse.contiguous(), gradient = dLogprobs.contiguous();
  launchLogprobToLogitsGradient(pointer<float>(logits), pointer<const int64_t>(targets),
                                pointer<const float>(total), pointer<const float>(gradient), rows, vocab,
                                streamOf(logits));
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace toolr0::cuda
