#include "kernels/rms_norm.h"

namespace toolr0 {
namespace reference {

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd) {
  const at::Tensor wide = x.to(at::kFloat);
  rstd = wide.square().mean(-1).add_(eps).rsqrt_();
  // The order of transformers' RMSNorm: round to x's dtype before the weight is applied.
  return (wide * rstd.unsqueeze(-1)).to(x.scalar_type()).mul_(weight);
}

at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight) {
  const int64_t n = x.size(-1);
  const at::Tensor normalised = x.to(at::kFloat) * rstd.unsqueeze(-1);
  const at::Tensor dyWide = dy.to(at::kFloat);
  dWeight.add_((dyWide * normalised).reshape({-1, n}).sum(0));
  // With u = x * rstd: dx = rstd * (du - u * mean(du * u)).
  const at::Tensor dNormalised = dyWide * weight.to(at::kFloat);
  const at::Tensor projection = (dNormalised * normalised).mean(-1, /*keepdim=*/true);
  return ((dNormalised - normalised * projection) * rstd.unsqueeze(-1)).to(x.scalar_type());
}

}  // namespace reference

namespace {

bool suitsCpuPath(const at::Tensor& x, const at::Tensor& weight) {
  const at::ScalarType type = x.scalar_type();
  return x.is_cpu() && x.is_contiguous() && weight.is_contiguous() && weight.scalar_type() == type &&
         (type == at::kFloat || type == at::kBFloat16);
}

}  // namespace

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd) {
#ifdef TR0_WITH_CUDA
  if (x.is_cuda()) return cuda::rmsNorm(x, weight, eps, rstd);
#endif
  return suitsCpuPath(x, weight) ? cpu::rmsNorm(x, weight, eps, rstd)
                                 : reference::rmsNorm(x, weight, eps, rstd);
}

at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight) {
#ifdef TR0_WITH_CUDA
  if (x.is_cuda()) return cuda::rmsNormBackward(dy, x, weight, rstd, dWeight);
#endif
  return suitsCpuPath(x, weight) && suitsCpuPath(dy, weight)
             ? cpu::rmsNormBackward(dy, x, weight, rstd, dWeight)
             : reference::rmsNormBackward(dy, x, weight, rstd, dWeight);
}

}  // namespace toolr0
