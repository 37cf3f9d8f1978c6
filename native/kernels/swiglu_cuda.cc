#include "kernels/cuda_tensor.h"
#include "kernels/swiglu.h"

namespace toolr0::cuda {

at::Tensor swiglu(const at::Tensor& gateUp) {
  const c10::cuda::CUDAGuard guard(gateUp.device());
  const at::Tensor input = gateUp.contiguous();
  const int64_t rows = input.size(0), n = input.size(1) / 2;
  at::Tensor out = at::empty({rows, n}, input.options());
  if (rows == 0) return out;
  dispatchFloat(input.scalar_type(), "swiglu", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launchSwiglu(pointer<const T>(input), pointer<T>(out), rows, n, streamOf(input));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return out;
}

at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp) {
  const c10::cuda::CUDAGuard guard(gateUp.device());
  const at::Tensor gradient = dOut.contiguous(), input = gateUp.contiguous();
  const int64_t rows = input.size(0), n = input.size(1) / 2;
  at::Tensor dGateUp = at::empty_like(input);
  if (rows == 0) return dGateUp;
  dispatchFloat(input.scalar_type(), "swigluBackward", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launchSwigluBackward(pointer<const T>(gradient), pointer<const T>(input), pointer<T>(dGateUp), rows, n,
                         streamOf(input));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return dGateUp;
}

}  // namespace toolr0::cuda
