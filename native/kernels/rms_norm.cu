// One block per row: the row is read twice (from L2 the second time) and reduced in fp32. The weight gradient
// is summed per block over a strided set of rows and then over blocks in a second kernel, without atomics, so
// that it repeats bit by bit.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kNormThreads = 256;
constexpr int64_t kMaxBackwardBlocks = 264;  // two per SM of an H100/H200

template <typename T>
__global__ void rmsNormKernel(const T* x, const T* weight, float eps, T* y, float* rstd, int64_t n) {
  const int64_t row = blockIdx.x;
  x += row * n;
  y += row * n;
  float sum = 0;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
    const float v = toFloat(x[i]);
    sum += v * v;
  }
  const float scale = rsqrtf(blockReduce(sum, Sum()) / n + eps);
  if (threadIdx.x == 0) rstd[row] = scale;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
    // Rounded to T before the weight, as transformers does.
    const float normalised = toFloat(fromFloat<T>(toFloat(x[i]) * scale));
    y[i] = fromFloat<T>(normalised * toFloat(weight[i]));
  }
}

template <typename T>
__global__ void rmsNormBackwardKernel(const T* dy, const T* x, const T* weight, const float* rstd, T* dx,
                                      float* partial, int64_t rows, int64_t n) {
  float* dWeight = partial + blockIdx.x * n;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) dWeight[i] = 0;
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const float scale = rstd[row];
    const int64_t base = row * n;
    float dot = 0;
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      dot += toFloat(dy[base + i]) * toFloat(weight[i]) * toFloat(x[base + i]) * scale;
    }
    const float mean = blockReduce(dot, Sum()) / n;
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
      const float g = toFloat(dy[base + i]);
      const float normalised = toFloat(x[base + i]) * scale;
      dx[base + i] = fromFloat<T>(scale * (g * toFloat(weight[i]) - normalised * mean));
      dWeight[i] += g * normalised;  // column i belongs to this thread alone
    }
  }
}

__global__ void sumPartialsKernel(const float* partial, float* dWeight, int64_t blocks, int64_t n) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float sum = 0;
  for (int64_t b = 0; b < blocks; ++b) sum += partial[b * n + i];
  dWeight[i] += sum;
}

}  // namespace

int64_t rmsNormBackwardBlocks(int64_t rows) {
  return rows < kMaxBackwardBlocks ? rows : kMaxBackwardBlocks;
}

template <typename T>
void launchRmsNorm(const T* x, const T* weight, float eps, T* y, float* rstd, int64_t rows, int64_t n,
                   cudaStream_t stream) {
  launch(rmsNormKernel<T>, static_cast<unsigned int>(rows), kNormThreads, 0, stream, x, weight, eps, y, rstd,
         n);
}

template <typename T>
void launchRmsNormBackward(const T* dy, const T* x, const T* weight, const float* rstd, T* dx, float* partial,
                           float* dWeight, int64_t rows, int64_t n, cudaStream_t stream) {
  const int64_t blocks = rmsNormBackwardBlocks(rows);
  launch(rmsNormBackwardKernel<T>, static_cast<unsigned int>(blocks), kNormThreads, 0, stream, dy, x, weight,
         rstd, dx, partial, rows, n);
  launch(sumPartialsKernel, blocksFor(n, kNormThreads), kNormThreads, 0, stream, partial, dWeight, blocks, n);
}

#define TR0_INSTANTIATE(T)                                                                               \
  template void launchRmsNorm<T>(const T*, const T*, float, T*, float*, int64_t, int64_t, cudaStream_t); \
  template void launchRmsNormBackward<T>(const T*, const T*, const T*, const float*, T*, float*, float*, \
                                         int64_t, int64_t, cudaStream_t);
TR0_INSTANTIATE(float)
TR0_INSTANTIATE(__nv_bfloat16)
#undef TR0_INSTANTIATE

}  // namespace toolr0::cuda
