#pragma once
// What the op_cuda.cc files share: stream, device guard, pointers of the two dtypes the kernels take.
#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_bf16.h>

#include "kernels/cuda_launchers.h"

namespace toolr0::cuda {

inline cudaStream_t streamOf(const at::Tensor& tensor) {
  return c10::cuda::getCurrentCUDAStream(tensor.device().index()).stream();
}

template <typename T>
T* pointer(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

// Calls fn with a null pointer of the C++ type of `dtype` (float or bf16), for template selection.
template <typename Fn>
void dispatchFloat(at::ScalarType dtype, const char* op, Fn&& fn) {
  if (dtype == at::kFloat) {
    fn(static_cast<float*>(nullptr));
  } else if (dtype == at::kBFloat16) {
    fn(static_cast<__nv_bfloat16*>(nullptr));
  } else {
    TORCH_CHECK(false, op, ": float32 or bfloat16 expected, got ", dtype);
  }
}

}  // namespace toolr0::cuda
