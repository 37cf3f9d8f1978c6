#include "kernels/cuda_tensor.h"
#include "kernels/rms_norm.h"

namespace toolr0::cuda {

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd) {
  const c10::cuda::CUDAGuard guard(x.device());
  const at::Tensor input = x.contiguous();
  const int64_t n = input.size(-1), rows = input.numel() / n;
  at::Tensor y = at::empty_like(input);
  rstd = at::empty(input.sizes().slice(0, input.dim() - 1), input.options().dtype(at::kFloat));
  if (rows == 0) return y;
  dispatchFloat(input.scalar_type(), "rmsNorm", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launchRmsNorm(pointer<const T>(input), pointer<const T>(weight), static_cast<float>(eps), pointer<T>(y),
                  pointer<float>(rstd), rows, n, streamOf(input));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return y;
}

at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight) {
  const c10::cuda::CUDAGuard guard(x.device());
  const at::Tensor gradient = dy.contiguous(), input = x.contiguous();
  const int64_t n = input.size(-1), rows = input.numel() / n;
  at::Tensor dx = at::empty_like(input);
  if (rows == 0) return dx;
  const at::Tensor partial = at::empty({rmsNormBackwardBlocks(rows), n}, input.options().dtype(at::kFloat));
  dispatchFloat(input.scalar_type(), "rmsNormBackward", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launchRmsNormBackward(pointer<const T>(gradient), pointer<const T>(input), pointer<const T>(weight),
                          pointer<const float>(rstd), pointer<T>(dx), pointer<float>(partial),
                          pointer<float>(dWeight), rows, n, streamOf(input));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return dx;
}

}  // namespace toolr0::cuda
