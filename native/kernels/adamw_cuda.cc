#include <cmath>

#include "kernels/adamw.h"
#include "kernels/cuda_tensor.h"

namespace toolr0::cuda {

void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options) {
  TORCH_CHECK(master.is_contiguous() && firstMoment.is_contiguous() && secondMoment.is_contiguous() &&
                  gradient.is_contiguous(),
              "adamwStep: contiguous float32 tensors expected");
  TORCH_CHECK(!copy.defined() || (copy.is_contiguous() && copy.scalar_type() == at::kBFloat16),
              "adamwStep: the copy must be contiguous bfloat16");
  if (master.numel() == 0) return;
  const c10::cuda::CUDAGuard guard(master.device());
  const double step = static_cast<double>(options.step);
  const AdamWParameters parameters{static_cast<float>(options.learningRate),
                                   static_cast<float>(options.beta1),
                                   static_cast<float>(options.beta2),
                                   static_cast<float>(options.epsilon),
                                   static_cast<float>(options.weightDecay),
                                   static_cast<float>(options.gradientScale),
                                   static_cast<float>(1.0 - std::pow(options.beta1, step)),
                                   static_cast<float>(std::sqrt(1.0 - std::pow(options.beta2, step)))};
  launchAdamW(pointer<float>(master), pointer<float>(firstMoment), pointer<float>(secondMoment),
              pointer<const float>(gradient), copy.defined() ? pointer<__nv_bfloat16>(copy) : nullptr,
              parameters, master.numel(), streamOf(master));
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace toolr0::cuda
