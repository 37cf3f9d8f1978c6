// Sampling without filters, and greedy, at the end of a decode step: a row of 150,000 logits is shared by
// several blocks, so that even a small batch reads them at full speed. A block finds its maximum, then the
// masses e^((x - maximum)/T) of 32 chunks of its slice (the slice stays in the L1 cache). The block of a row
// that comes last adds the masses up, finds the slice, the chunk and the token where the running sum in the
// order of token ids exceeds the uniform number, and moves the row on to its next step.
#include "kernels/cuda_launchers.h"
#include "kernels/decode_state.cuh"
#include "kernels/launch.cuh"
#include "kernels/philox.h"

namespace toolr0::cuda {
namespace {

constexpr int kSampleThreads = 256, kSampleWarps = kSampleThreads / kWarp, kSliceChunks = 32;

// What a block leaves: kSampleSplitFloats (sample_advance.h) numbers.
struct Slice {
  float maximum, sum;  // sum of masses relative to the maximum
  int best, unused;    // first id with the maximum
  float mass[kSliceChunks];
};

struct Best {
  float value;
  int index;
};
__device__ inline Best better(Best a, Best b) {
  return b.value > a.value || (b.value == a.value && b.index < a.index) ? b : a;
}
__device__ inline Best bestOfWarp(Best best) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    best = better(best, {__shfl_xor_sync(0xffffffffu, best.value, offset),
                         __shfl_xor_sync(0xffffffffu, best.index, offset)});
  return best;
}

// Sums over lanes 0 … lane.
__device__ inline float runningSum(float value, int lane) {
  for (int offset = 1; offset < kWarp; offset *= 2) {
    const float before = __shfl_up_sync(0xffffffffu, value, offset);
    if (lane >= offset) value += before;
  }
  return value;
}

// The first lane whose running sum exceeds `wanted`, else (rounding) the last one with any mass; 0 if there
// is none. `wanted` is reduced by what lies before that lane.
__device__ inline int pickLane(float mass, int lane, float& wanted) {
  const float upTo = runningSum(mass, lane);
  const unsigned int hit = __ballot_sync(0xffffffffu, mass > 0.0f && upTo > wanted);
  const unsigned int some = __ballot_sync(0xffffffffu, mass > 0.0f);
  const int chosen = hit != 0 ? __ffs(hit) - 1 : some != 0 ? 31 - __clz(some) : 0;
  wanted -= __shfl_sync(0xffffffffu, upTo - mass, chosen);
  return chosen;
}

__device__ inline int chunkLength(int slice) {
  return (slice + kSliceChunks - 1) / kSliceChunks;
}

__device__ inline void describeSlice(const float* x, int begin, int end, int slice, float inverseTemperature,
                                     Slice& out) {
  __shared__ Best warpBest[kSampleWarps];
  __shared__ float mass[kSliceChunks];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  Best best{-INFINITY, end > begin ? begin : 0};
#pragma unroll 4
  for (int i = begin + threadIdx.x; i < end; i += kSampleThreads) best = better(best, {x[i], i});
  best = bestOfWarp(best);
  if (lane == 0) warpBest[warp] = best;
  __syncthreads();
  for (int w = 0; w < kSampleWarps; ++w) best = better(best, warpBest[w]);
  // Relative to 0 where everything is -inf: the masses are then 0 and not NaN.
  const float reference = best.value == -INFINITY ? 0.0f : best.value;
  const int chunk = chunkLength(slice);
  for (int c = warp; c < kSliceChunks; c += kSampleWarps) {
    const int from = begin + c * chunk, to = min(from + chunk, end);
    float sum = 0;
#pragma unroll 4
    for (int i = from + lane; i < to; i += kWarp) sum += __expf((x[i] - reference) * inverseTemperature);
    sum = warpReduce(sum, Sum());
    if (lane == 0) mass[c] = sum;
  }
  __syncthreads();
  if (warp != 0) return;
  out.mass[lane] = mass[lane];
  const float sum = warpReduce(mass[lane], Sum());
  if (lane == 0) {
    out.maximum = best.value;
    out.sum = sum;
    out.best = best.index;
  }
}

// One warp.
__device__ inline void drawAndAdvance(const float* x, const Slice* slices, int splits, int slice, int vocab,
                                      const SamplerParameters& p, float inverseTemperature,
                                      const DecodeStatePointers& state, float* logprobs, int64_t row) {
  const int lane = threadIdx.x;
  const bool exists = lane < splits;
  const float maximum = exists ? __ldcg(&slices[lane].maximum) : -INFINITY;
  const float top = warpReduce(maximum, Max());
  const float factor = maximum == -INFINITY ? 1.0f : __expf((maximum - top) * inverseTemperature);
  const float mass = exists ? __ldcg(&slices[lane].sum) * factor : 0.0f;
  const float total = __shfl_sync(0xffffffffu, runningSum(mass, lane), kWarp - 1);
  int token;
  if (p.temperature == 0.0f) {
    const Best best = bestOfWarp({maximum, exists ? __ldcg(&slices[lane].best) : vocab});
    token = min(best.index, vocab - 1);
  } else {
    float wanted = philoxUniform(p.seed, state.streams[row], state.steps[row]) * total;
    const int s = pickLane(mass, lane, wanted);
    const float sliceFactor = __shfl_sync(0xffffffffu, factor, s),
                sliceTop = __shfl_sync(0xffffffffu, maximum, s);
    const int c = pickLane(__ldcg(&slices[s].mass[lane]) * sliceFactor, lane, wanted);
    const int begin = s * slice + c * chunkLength(slice);
    const int end = min(min(begin + chunkLength(slice), (s + 1) * slice), vocab);
    token = min(begin, vocab - 1);
    for (int base = begin; base < end; base += kWarp) {
      const int i = base + lane;
      const float own = i < end ? __expf((x[i] - sliceTop) * inverseTemperature) * sliceFactor : 0.0f;
      const float upTo = runningSum(own, lane);
      const unsigned int some = __ballot_sync(0xffffffffu, own > 0.0f);
      const unsigned int hit = __ballot_sync(0xffffffffu, own > 0.0f && upTo > wanted);
      if (some != 0) token = base + 31 - __clz(some);  // the last one so far, should rounding leave a rest
      if (hit != 0) {
        token = base + __ffs(hit) - 1;
        break;
      }
      wanted -= __shfl_sync(0xffffffffu, upTo, kWarp - 1);
    }
  }
  if (lane != 0) return;
  logprobs[row] = (x[token] - top) * inverseTemperature - logf(total);  // NaN where there was nothing to draw
  advanceRow(state, row, token);
}

__global__ void __launch_bounds__(kSampleThreads)
    sampleAdvanceKernel(const float* logits, const int64_t* parameters, DecodeStatePointers state,
                        float* logprobs, Slice* slices, int* arrived, int vocab, int slice) {
  const int64_t row = blockIdx.y;
  const int splits = gridDim.x, begin = blockIdx.x * slice, end = min(begin + slice, vocab);
  const float* x = logits + row * vocab;
  const SamplerParameters p = parametersFrom(parameters);
  const float inverseTemperature = p.temperature == 0.0f ? 1.0f : inverseOf(p.temperature);
  Slice* ofRow = slices + row * splits;
  describeSlice(x, begin, end, slice, inverseTemperature, ofRow[blockIdx.x]);
  if (threadIdx.x >= kWarp) return;
  // The first warp wrote the slice's numbers; its fences and the counter order them before the reader's.
  __threadfence();
  __syncwarp();
  int last = 0;
  if (threadIdx.x == 0) last = atomicAdd(arrived + row, 1) == splits - 1;
  last = __shfl_sync(0xffffffffu, last, 0);
  if (last == 0) return;
  __threadfence();
  if (threadIdx.x == 0) arrived[row] = 0;
  drawAndAdvance(x, ofRow, splits, slice, vocab, p, inverseTemperature, state, logprobs, row);
}

}  // namespace

void launchSampleAdvance(const float* logits, const int64_t* parameters, const DecodeStatePointers& state,
                         float* logprobs, float* parts, int* arrived, int64_t rows, int64_t vocab,
                         int64_t splits, cudaStream_t stream) {
  const int slice = static_cast<int>((vocab + splits - 1) / splits);
  const dim3 grid(static_cast<unsigned int>((vocab + slice - 1) / slice), static_cast<unsigned int>(rows));
  launch(sampleAdvanceKernel, grid, kSampleThreads, 0, stream, logits, parameters, state, logprobs,
         reinterpret_cast<Slice*>(parts), arrived, static_cast<int>(vocab), slice);
}

}  // namespace toolr0::cuda
