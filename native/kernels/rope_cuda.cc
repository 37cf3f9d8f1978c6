#include "kernels/cuda_tensor.h"
#include "kernels/rope.h"

namespace toolr0::cuda {

void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse) {
  TORCH_CHECK(x.dim() == 3 && x.stride(2) == 1,
              "ropeInPlace: x must be [tokens, heads, dim] with a contiguous last dimension");
  if (x.numel() == 0) return;
  const c10::cuda::CUDAGuard guard(x.device());
  const at::Tensor rows = positions.contiguous();
  dispatchFloat(x.scalar_type(), "ropeInPlace", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launchRope(pointer<T>(x), pointer<const int64_t>(rows), pointer<const float>(cos),
               pointer<const float>(sin), x.size(0), x.size(1), x.size(2), x.stride(0), x.stride(1), inverse,
               streamOf(x));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace toolr0::cuda
