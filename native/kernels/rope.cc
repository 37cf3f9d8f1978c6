#include "kernels/rope.h"

namespace toolr0 {
namespace reference {

void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse) {
  const int64_t half = x.size(-1) / 2;
  const at::Tensor c = cos.index_select(0, positions).unsqueeze(1);  // [T, 1, D/2] fp32
  const at::Tensor s = sin.index_select(0, positions).unsqueeze(1) * (inverse ? -1.0 : 1.0);
  const at::Tensor first = x.narrow(-1, 0, half).to(at::kFloat);
  const at::Tensor second = x.narrow(-1, half, half).to(at::kFloat);
  const at::Tensor rotatedFirst = first * c - second * s;
  const at::Tensor rotatedSecond = second * c + first * s;
  x.narrow(-1, 0, half).copy_(rotatedFirst);
  x.narrow(-1, half, half).copy_(rotatedSecond);
}

}  // namespace reference

void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse) {
#ifdef TR0_WITH_CUDA
  if (x.is_cuda()) return cuda::ropeInPlace(x, positions, cos, sin, inverse);
#endif
  const bool suitsCpuPath =
      x.is_cpu() && x.stride(-1) == 1 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
  return suitsCpuPath ? cpu::ropeInPlace(x, positions, cos, sin, inverse)
                      : reference::ropeInPlace(x, positions, cos, sin, inverse);
}

}  // namespace toolr0
