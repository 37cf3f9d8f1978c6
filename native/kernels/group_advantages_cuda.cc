#include "kernels/cuda_tensor.h"
#include "kernels/group_advantages.h"

namespace toolr0::cuda {

at::Tensor groupAdvantages(const at::Tensor& rewards, int64_t groupSize, bool scale, at::Tensor& std) {
  const at::Tensor input = rewards.contiguous();
  TORCH_CHECK(groupSize > 0 && input.numel() % groupSize == 0, "groupAdvantages: rows must be whole groups");
  const c10::cuda::CUDAGuard guard(input.device());
  at::Tensor advantages = at::empty_like(input);
  std = at::empty_like(input);
  const int64_t groups = input.numel() / groupSize;
  if (groups == 0) return advantages;
  const auto launch = [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launchGroupAdvantages(pointer<const T>(input), pointer<T>(advantages), pointer<T>(std), groups, groupSize,
                          scale, streamOf(input));
  };
  if (input.scalar_type() == at::kDouble) {
    launch(static_cast<double*>(nullptr));
  } else {
    TORCH_CHECK(input.scalar_type() == at::kFloat, "groupAdvantages: float32 or float64 expected");
    launch(static_cast<float*>(nullptr));
  }
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return advantages;
}

}  // namespace toolr0::cuda
