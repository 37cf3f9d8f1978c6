#pragma once
#include <ATen/ATen.h>

namespace toolr0 {
// Group-standardised advantages of already summed rewards [rows] (rows = groups * groupSize, group after
// group), in rewards' precision: A = (r - mean) / (std + 1e-4), std unbiased over the group, NaN-aware;
// groups with fewer than two scored rows and unscored rows give 0; a group of equal rewards gives exactly 0.
// `scale`: divide by std or not. `std` receives [rows].
at::Tensor groupAdvantages(const at::Tensor& rewards, int64_t groupSize, bool scale, at::Tensor& std);
namespace reference {
at::Tensor groupAdvantages(const at::Tensor& rewards, int64_t groupSize, bool scale, at::Tensor& std);
}
namespace cuda {  // only in builds with TR0_WITH_CUDA
at::Tensor groupAdvantages(const at::Tensor& rewards, int64_t groupSize, bool scale, at::Tensor& std);
}  // namespace cuda
}  // namespace toolr0
