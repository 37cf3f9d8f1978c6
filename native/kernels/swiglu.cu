// Elementwise; fp32 arithmetic.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kSwigluThreads = 256;

__device__ inline float sigmoid(float x) {
  return 1.0f / (1.0f + __expf(-x));
}

template <typename T>
__global__ void swigluKernel(const T* gateUp, T* out, int64_t count, int64_t n) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= count) return;
  const int64_t row = index / n, i = index % n;
  const float gate = toFloat(gateUp[row * 2 * n + i]), up = toFloat(gateUp[row * 2 * n + n + i]);
  out[index] = fromFloat<T>(gate * sigmoid(gate) * up);
}

template <typename T>
__global__ void swigluBackwardKernel(const T* dOut, const T* gateUp, T* dGateUp, int64_t count, int64_t n) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= count) return;
  const int64_t row = index / n, i = index % n, gateAt = row * 2 * n + i, upAt = gateAt + n;
  const float gate = toFloat(gateUp[gateAt]), up = toFloat(gateUp[upAt]), d = toFloat(dOut[index]);
  const float s = sigmoid(gate);
  dGateUp[gateAt] = fromFloat<T>(d * up * s * (1.0f + gate * (1.0f - s)));
  dGateUp[upAt] = fromFloat<T>(d * gate * s);
}

}  // namespace

template <typename T>
void launchSwiglu(const T* gateUp, T* out, int64_t rows, int64_t n, cudaStream_t stream) {
  launch(swigluKernel<T>, blocksFor(rows * n, kSwigluThreads), kSwigluThreads, 0, stream, gateUp, out,
         rows * n, n);
}
template <typename T>
void launchSwigluBackward(const T* dOut, const T* gateUp, T* dGateUp, int64_t rows, int64_t n,
                          cudaStream_t stream) {
  launch(swigluBackwardKernel<T>, blocksFor(rows * n, kSwigluThreads), kSwigluThreads, 0, stream, dOut,
         gateUp, dGateUp, rows * n, n);
}

#define TR0_INSTANTIATE(T)                                                     \
  template void launchSwiglu<T>(const T*, T*, int64_t, int64_t, cudaStream_t); \
  template void launchSwigluBackward<T>(const T*, const T*, T*, int64_t, int64_t, cudaStream_t);
TR0_INSTANTIATE(float)
TR0_INSTANTIATE(__nv_bfloat16)
#undef TR0_INSTANTIATE

}  // namespace toolr0::cuda
