#pragma once
#include <ATen/ATen.h>

#include <cstdint>

namespace toolr0 {
struct AdamWOptions {
  double learningRate = 1e-6, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.0;
  double gradientScale = 1.0;  // clip factor, multiplied into the gradient
  int64_t step = 1;            // 1-based, for bias correction
};
// torch.optim.AdamW (decoupled decay) on flat fp32 tensors, in place; when `copy` is defined (bf16) the new
// weight is also written there in the same pass.
void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options);
namespace reference {
void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options);
}
namespace cuda {  // only in builds with TR0_WITH_CUDA
void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options);
}  // namespace cuda
}  // namespace toolr0
