#pragma once
#include <ATen/ATen.h>

namespace toolr0 {
// Rotary embedding, "rotate half" pairing (i, i + D/2), in place on x [T, heads, D] (may be a strided view
// whose last dimension is contiguous). cos/sin: [maxPosition, D/2] fp32; positions [T] int64. `inverse`
// rotates back (the backward).
void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse = false);
namespace reference {
void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse = false);
}
namespace cpu {  // fp32 or bf16
void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse = false);
}
namespace cuda {  // only in builds with TR0_WITH_CUDA
void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse = false);
}  // namespace cuda
}  // namespace toolr0
