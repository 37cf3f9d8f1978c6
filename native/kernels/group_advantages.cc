#include "kernels/group_advantages.h"

#include <limits>

#include "runtime/error.h"

namespace toolr0 {
#if TR0_WITH_CUDA
namespace cuda {
at::Tensor groupAdvantages(const at::Tensor& rewards, int64_t groupSize, bool scale, at::Tensor& std);
}
#endif

at::Tensor groupAdvantages(const at::Tensor& rewards, int64_t groupSize, bool scale, at::Tensor& std) {
  if (groupSize < 1 || rewards.dim() != 1 || rewards.size(0) % groupSize != 0) {
    throw Error(kConfigError, "advantages: " + std::to_string(rewards.numel()) +
                                  " rewards do not divide into groups of " + std::to_string(groupSize));
  }
#if TR0_WITH_CUDA
  if (rewards.is_cuda()) return cuda::groupAdvantages(rewards, groupSize, scale, std);
#endif
  return reference::groupAdvantages(rewards, groupSize, scale, std);
}

namespace reference {
at::Tensor groupAdvantages(const at::Tensor& rewards, int64_t groupSize, bool scale, at::Tensor& std) {
  const double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor r = rewards.view({-1, groupSize});  // [groups, groupSize]
  const at::Tensor scored = r.isnan().logical_not();
  const at::Tensor count = scored.sum(1, /*keepdim=*/true).to(r.scalar_type());  // [groups, 1]
  const at::Tensor mean = r.nansum({1}, true) / count;
  const at::Tensor centred = at::where(scored, r - mean, at::zeros_like(r));
  // A mean of equal numbers may round away from them, and 1e-4 in the denominator would turn that into up to
  // 1e-3 of advantage in fp32: equality is decided on the rewards themselves.
  const at::Tensor lowest = r.masked_fill(scored.logical_not(), infinity).amin({1}, true);
  const at::Tensor highest = r.masked_fill(scored.logical_not(), -infinity).amax({1}, true);
  const at::Tensor equal = lowest.ge(highest);
  at::Tensor deviation = (centred.square().sum({1}, true) / (count - 1)).sqrt().masked_fill(equal, 0.0);
  const at::Tensor tooFew = count.lt(2);
  deviation = deviation.masked_fill(tooFew, groupSize == 1 ? 0.0 : std::numeric_limits<double>::quiet_NaN());
  at::Tensor advantages = scale ? centred / (deviation + 1e-4) : centred;
  advantages = advantages.masked_fill(equal.logical_or(tooFew).logical_or(scored.logical_not()), 0.0);
  std = deviation.expand({-1, groupSize}).reshape({-1});
  return advantages.view({-1});
}
}  // namespace reference
}  // namespace toolr0
