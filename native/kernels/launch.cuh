#pragma once
// Shared by the .cu files: conversions and block-wide reductions. fp32 throughout; order of summation is
// fixed, so results repeat.
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace toolr0::cuda {

inline constexpr int kWarp = 32;

__device__ inline float toFloat(float x) {
  return x;
}
__device__ inline float toFloat(__nv_bfloat16 x) {
  return __bfloat162float(x);
}
template <typename T>
__device__ inline T fromFloat(float x);
template <>
__device__ inline float fromFloat<float>(float x) {
  return x;
}
template <>
__device__ inline __nv_bfloat16 fromFloat<__nv_bfloat16>(float x) {
  return __float2bfloat16(x);
}

struct Sum {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Max {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};

template <typename T, typename Op>
__device__ inline T warpReduce(T value, Op op) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = op(value, __shfl_xor_sync(0xffffffffu, value, offset));
  return value;
}

// Every thread of the block receives the result. blockDim.x is a multiple of 32, at most 1024.
template <typename T, typename Op>
__device__ inline T blockReduce(T value, Op op) {
  __shared__ T partial[kWarp];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  value = warpReduce(value, op);
  __syncthreads();  // `partial` may still be read by a previous call
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  T result = partial[0];
  for (int i = 1; i < warps; ++i) result = op(result, partial[i]);
  return result;
}

// kernel<<<grid, block, sharedBytes, stream>>>(arguments...). A function, because the tests compile these
// files with a C++ compiler and run the kernels on the CPU (native/test/cuda_emulation).
template <typename... Parameters, typename... Arguments>
inline void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t sharedBytes,
                   cudaStream_t stream, Arguments... arguments) {
#ifdef TR0_CUDA_EMULATION
  cuda_emulation::run(grid, block, sharedBytes, [&] { kernel(static_cast<Parameters>(arguments)...); });
#else
  // clang-format off
  kernel<<<grid, block, sharedBytes, stream>>>(static_cast<Parameters>(arguments)...);
  // clang-format on
#endif
}

// The dynamic shared memory of a kernel as an array of T.
#ifdef TR0_CUDA_EMULATION
#define TR0_DYNAMIC_SHARED(T, name) T* name = static_cast<T*>(cuda_emulation::dynamicShared())
#else
#define TR0_DYNAMIC_SHARED(T, name)                            \
  extern __shared__ __align__(16) unsigned char name##Bytes[]; \
  T* name = reinterpret_cast<T*>(name##Bytes)
#endif

inline unsigned int blocksFor(int64_t count, int threads) {
  return static_cast<unsigned int>((count + threads - 1) / threads);
}

}  // namespace toolr0::cuda
