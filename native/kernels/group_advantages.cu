// One warp per group; two passes (mean, then squared deviations), as a one-pass variance loses the digits
// that matter for near-equal rewards.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kGroupThreads = 128;

template <typename T>
__global__ void groupAdvantagesKernel(const T* rewards, T* advantages, T* standardDeviation, int64_t groups,
                                      int64_t groupSize, bool scale) {
  const int64_t group = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  if (group >= groups) return;
  const int lane = threadIdx.x % kWarp;
  const T* r = rewards + group * groupSize;
  T sum = 0, low = INFINITY, high = -INFINITY;
  int scored = 0;
  for (int64_t i = lane; i < groupSize; i += kWarp) {
    if (isnan(r[i])) continue;
    sum += r[i];
    low = r[i] < low ? r[i] : low;
    high = r[i] > high ? r[i] : high;
    ++scored;
  }
  sum = warpReduce(sum, Sum());
  scored = warpReduce(scored, Sum());
  high = warpReduce(high, Max());
  low = -warpReduce(-low, Max());
  const T mean = scored > 0 ? sum / scored : T(0);
  T squares = 0;
  for (int64_t i = lane; i < groupSize; i += kWarp) {
    if (!isnan(r[i])) squares += (r[i] - mean) * (r[i] - mean);
  }
  squares = warpReduce(squares, Sum());
  const bool equal = scored < 2 || low == high;  // exactly zero, whatever the mean rounds to
  const T deviation = equal ? T(0) : T(sqrt(squares / (scored - 1)));
  for (int64_t i = lane; i < groupSize; i += kWarp) {
    const bool none = equal || isnan(r[i]);
    advantages[group * groupSize + i] = none ? T(0) : (r[i] - mean) / (scale ? deviation + T(1e-4) : T(1));
    standardDeviation[group * groupSize + i] = deviation;
  }
}

}  // namespace

template <typename T>
void launchGroupAdvantages(const T* rewards, T* advantages, T* standardDeviation, int64_t groups,
                           int64_t groupSize, bool scale, cudaStream_t stream) {
  launch(groupAdvantagesKernel<T>, blocksFor(groups * kWarp, kGroupThreads), kGroupThreads, 0, stream,
         rewards, advantages, standardDeviation, groups, groupSize, scale);
}

template void launchGroupAdvantages<float>(const float*, float*, float*, int64_t, int64_t, bool,
                                           cudaStream_t);
template void launchGroupAdvantages<double>(const double*, double*, double*, int64_t, int64_t, bool,
                                            cudaStream_t);

}  // namespace toolr0::cuda
