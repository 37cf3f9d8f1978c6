// One pass over master, moments and gradient; the bf16 copy the forward passes read is written in the same
// pass.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kAdamwThreads = 256;

__global__ void adamwKernel(float* master, float* firstMoment, float* secondMoment, const float* gradient,
                            __nv_bfloat16* copy, AdamWParameters p, int64_t count) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const float g = gradient[i] * p.gradientScale;
  const float m = p.beta1 * firstMoment[i] + (1.0f - p.beta1) * g;
  const float v = p.beta2 * secondMoment[i] + (1.0f - p.beta2) * g * g;
  const float denominator = sqrtf(v) / p.secondCorrectionRoot + p.epsilon;
  const float w = master[i] * (1.0f - p.learningRate * p.weightDecay) -
                  p.learningRate / p.firstCorrection * m / denominator;
  firstMoment[i] = m;
  secondMoment[i] = v;
  master[i] = w;
  if (copy != nullptr) copy[i] = __float2bfloat16(w);
}

}  // namespace

void launchAdamW(float* master, float* firstMoment, float* secondMoment, const float* gradient,
                 __nv_bfloat16* copy, const AdamWParameters& parameters, int64_t count, cudaStream_t stream) {
  launch(adamwKernel, blocksFor(count, kAdamwThreads), kAdamwThreads, 0, stream, master, firstMoment,
         secondMoment, gradient, copy, parameters, count);
}

}  // namespace toolr0::cuda
