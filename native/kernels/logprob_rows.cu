// One block per row of logits. The forward reads the row once, keeping the running maximum m, sum e^(x-m) and
// sum x e^(x-m): log-sum-exp, the target's log-probability and the entropy (lse - E[x]) come out of one pass.
// The backward overwrites the logits by their gradient.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kRowThreads = 512;

struct Moments {
  float maximum, sum, weighted;  // relative to `maximum`
};

__device__ inline Moments merge(Moments a, Moments b) {
  const float m = fmaxf(a.maximum, b.maximum);
  if (m == -INFINITY) return {m, 0, 0};
  const float fa = __expf(a.maximum - m), fb = __expf(b.maximum - m);
  return {m, a.sum * fa + b.sum * fb, a.weighted * fa + b.weighted * fb};
}

__global__ void logitsToLogprobKernel(const float* logits, const int64_t* target, float* logprobs,
                                      float* entropy, float* lse, int64_t vocab) {
  const int64_t row = blockIdx.x;
  const float* x = logits + row * vocab;
  Moments own{-INFINITY, 0, 0};
  for (int64_t i = threadIdx.x; i < vocab; i += blockDim.x) {
    const float v = x[i];
    if (v > own.maximum) {
      const float f = __expf(own.maximum - v);
      own = {v, own.sum * f + 1.0f, own.weighted * f + v};
    } else {
      const float e = __expf(v - own.maximum);
      own.sum += e;
      own.weighted += v * e;
    }
  }
  __shared__ Moments partial[kRowThreads / kWarp];
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const Moments other{__shfl_xor_sync(0xffffffffu, own.maximum, offset),
                        __shfl_xor_sync(0xffffffffu, own.sum, offset),
                        __shfl_xor_sync(0xffffffffu, own.weighted, offset)};
    own = merge(own, other);
  }
  if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = own;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < kRowThreads / kWarp; ++i) own = merge(own, partial[i]);
  const float total = own.maximum + logf(own.sum);
  lse[row] = total;
  logprobs[row] = x[target[row]] - total;
  entropy[row] = total - own.weighted / own.sum;
}

__global__ void logprobToLogitsGradientKernel(float* logits, const int64_t* target, const float* lse,
                                              const float* dLogprobs, int64_t vocab) {
  const int64_t row = blockIdx.x;
  float* x = logits + row * vocab;
  const float total = lse[row], d = dLogprobs[row];
  const int64_t chosen = target[row];
  for (int64_t i = threadIdx.x; i < vocab; i += blockDim.x) {
    x[i] = d * ((i == chosen ? 1.0f : 0.0f) - __expf(x[i] - total));
  }
}

}  // namespace

void launchLogitsToLogprob(const float* logits, const int64_t* target, float* logprobs, float* entropy,
                           float* lse, int64_t rows, int64_t vocab, cudaStream_t stream) {
  launch(logitsToLogprobKernel, static_cast<unsigned int>(rows), kRowThreads, 0, stream, logits, target,
         logprobs, entropy, lse, vocab);
}

void launchLogprobToLogitsGradient(float* logits, const int64_t* target, const float* lse,
                                   const float* dLogprobs, int64_t rows, int64_t vocab, cudaStream_t stream) {
  launch(logprobToLogitsGradientKernel, static_cast<unsigned int>(rows), kRowThreads, 0, stream, logits,
         target, lse, dLogprobs, vocab);
}

}  // namespace toolr0::cuda
