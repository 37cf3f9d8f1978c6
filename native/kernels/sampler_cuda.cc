#include "kernels/cuda_tensor.h"
#include "kernels/sampler.h"

namespace toolr0::cuda {

void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs) {
  TORCH_CHECK(logits.is_contiguous() && logits.scalar_type() == at::kFloat,
              "sample: contiguous float32 logits expected");
  const int64_t rows = logits.size(0), vocab = logits.size(1);
  const c10::cuda::CUDAGuard guard(logits.device());
  if (!tokens.defined()) tokens = at::empty({rows}, logits.options().dtype(at::kLong));
  if (!logprobs.defined()) logprobs = at::empty({rows}, logits.options());
  TORCH_CHECK(tokens.is_contiguous() && logprobs.is_contiguous(), "sample: outputs must be contiguous");
  if (rows == 0) return;
  const at::Tensor streams = stream.contiguous(), steps = step.contiguous();
  const SamplerParameters parameters{static_cast<float>(options.temperature),
                                     static_cast<float>(options.topP), static_cast<float>(options.minP),
                                     options.topK, seed};
  launchSample(pointer<const float>(logits), parameters, pointer<const int64_t>(streams),
               pointer<const int64_t>(steps), pointer<int64_t>(tokens), pointer<float>(logprobs), rows, vocab,
               streamOf(logits));
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace toolr0::cuda
