#pragma once
#include <ATen/ATen.h>

namespace toolr0 {
// y = x * rstd * weight, rstd = 1/sqrt(mean(x^2) + eps) over the last dimension; statistics in fp32, y in x's
// dtype. x [..., n] contiguous; weight [n]. Returns y; `rstd` receives [..., 1→ squeezed] fp32 (needed by
// backward).
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd);
// Returns dx (x's dtype); adds the weight gradient into dWeight [n] fp32.
at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight);
namespace reference {
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd);
at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight);
}  // namespace reference
namespace cpu {  // contiguous fp32 or bf16
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd);
at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight);
}  // namespace cpu
namespace cuda {  // only in builds with TR0_WITH_CUDA
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd);
at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight);
}  // namespace cuda
}  // namespace toolr0
