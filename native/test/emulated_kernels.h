#pragma once
// For the tests that run the CUDA kernels on the CPU. Include it, then the .cu files. Tensors are CPU
// tensors; bf16 ones lend their bits.
#include <ATen/ATen.h>

#include <cmath>
#include <type_traits>

#include "check.h"
#include "cuda_emulation/cuda_runtime.h"

// A namespace of their own: in builds with CUDA the real ones are linked too.
#define cuda emulated_cuda

#include "kernels/cuda_launchers.h"

namespace check {

// AddressSanitizer does not follow the emulation's stacks. True (and said) where the test must be skipped.
inline bool emulationIsOff() {
#ifdef __SANITIZE_ADDRESS__
  std::printf("skipped: AddressSanitizer does not know the stacks of emulated threads\n");
  return true;
#else
  return false;
#endif
}

template <typename T>
T* data(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

template <typename T>
constexpr at::ScalarType scalarType() {
  return std::is_same_v<std::remove_const_t<T>, float> ? at::kFloat : at::kBFloat16;
}

// The largest |a - b| / (|b| + 1).
inline double relativeError(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).abs() / (wide.abs() + 1)).max().item<double>();
}

// Kernels must give the same bits whichever order their threads run in.
template <typename Run>
at::Tensor inBothOrders(const Run& run) {
  cuda_emulation::reversed = false;
  const at::Tensor forward = run().clone();
  cuda_emulation::reversed = true;
  const at::Tensor backward = run();
  cuda_emulation::reversed = false;
  CHECK(forward.eq(backward).logical_or(forward.isnan().logical_and(backward.isnan())).all().item<bool>());
  return forward;
}

}  // namespace check
