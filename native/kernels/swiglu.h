#pragma once
#include <ATen/ATen.h>

namespace toolr0 {
// gateUp [T, 2n] (gate | up) → silu(gate) * up [T, n]; arithmetic in fp32.
at::Tensor swiglu(const at::Tensor& gateUp);
// dOut [T, n] → dGateUp [T, 2n].
at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp);
namespace reference {
at::Tensor swiglu(const at::Tensor& gateUp);
at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp);
}  // namespace reference
namespace cpu {  // contiguous fp32 or bf16
at::Tensor swiglu(const at::Tensor& gateUp);
at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp);
}  // namespace cpu
namespace cuda {  // only in builds with TR0_WITH_CUDA
at::Tensor swiglu(const at::Tensor& gateUp);
at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp);
}  // namespace cuda
}  // namespace toolr0
