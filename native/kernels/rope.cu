// One thread rotates one pair (i, i + dim/2) of one head.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kRopeThreads = 256;

template <typename T>
__global__ void ropeKernel(T* x, const int64_t* positions, const float* cosine, const float* sine,
                           int64_t pairs, int64_t heads, int64_t half, int64_t tokenStride,
                           int64_t headStride, float direction) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= pairs) return;
  const int64_t i = index % half, head = index / half % heads, token = index / half / heads;
  const int64_t entry = positions[token] * half + i;
  const float c = cosine[entry], s = sine[entry] * direction;
  T* pair = x + token * tokenStride + head * headStride + i;
  const float a = toFloat(pair[0]), b = toFloat(pair[half]);
  pair[0] = fromFloat<T>(a * c - b * s);
  pair[half] = fromFloat<T>(b * c + a * s);
}

}  // namespace

template <typename T>
void launchRope(T* x, const int64_t* positions, const float* cosine, const float* sine, int64_t tokens,
                int64_t heads, int64_t dim, int64_t tokenStride, int64_t headStride, bool inverse,
                cudaStream_t stream) {
  const int64_t half = dim / 2, pairs = tokens * heads * half;
  launch(ropeKernel<T>, blocksFor(pairs, kRopeThreads), kRopeThreads, 0, stream, x, positions, cosine, sine,
         pairs, heads, half, tokenStride, headStride, inverse ? -1.0f : 1.0f);
}

template void launchRope<float>(float*, const int64_t*, const float*, const float*, int64_t, int64_t, int64_t,
                                int64_t, int64_t, bool, cudaStream_t);
template void launchRope<__nv_bfloat16>(__nv_bfloat16*, const int64_t*, const float*, const float*, int64_t,
                                        int64_t, int64_t, int64_t, int64_t, bool, cudaStream_t);

}  // namespace toolr0::cuda
