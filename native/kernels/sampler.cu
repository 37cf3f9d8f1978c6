// One block per row. Filters become one cut-off logit: top-k by radix selection on the order-preserving bits
// of the logits (8 bits a pass, four passes), top-p likewise on probability mass, min-p relative to the
// maximum. Then one draw by inverse CDF in the order of token ids: the vocabulary is split into one
// contiguous chunk per thread, chunk masses are summed by warps with coalesced reads, and one warp walks the
// chunk that holds the drawn mass.
#include "kernels/cuda_launchers.h"
#include "kernels/decode_state.cuh"
#include "kernels/launch.cuh"
#include "kernels/philox.h"

namespace toolr0::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kBuckets = 256;

// Larger float ⇔ larger unsigned key.
__device__ inline uint32_t orderedKey(float x) {
  const uint32_t bits = __float_as_uint(x);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// The smallest key whose "weight of all keys >= it" reaches `wanted`; weights are 1 (top-k) or e^(x -
// maximum) (top-p), over keys >= floor.
template <bool kMass>
__device__ uint32_t selectCut(const float* x, int64_t vocab, float maximum, float inverseTemperature,
                              uint32_t floor, float wanted) {
  __shared__ float histogram[kBuckets];
  __shared__ uint32_t chosen;
  __shared__ float remaining;
  uint32_t prefix = 0;
  for (int pass = 0; pass < 4; ++pass) {
    const int shift = 24 - 8 * pass;
    for (int b = threadIdx.x; b < kBuckets; b += blockDim.x) histogram[b] = 0;
    __syncthreads();
    for (int64_t i = threadIdx.x; i < vocab; i += blockDim.x) {
      const uint32_t key = orderedKey(x[i]);
      if (key < floor || (pass > 0 && (key >> (shift + 8)) != prefix)) continue;
      atomicAdd(&histogram[(key >> shift) & 0xff],
                kMass ? __expf((x[i] - maximum) * inverseTemperature) : 1.0f);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      float left = wanted;
      int b = kBuckets - 1;
      while (b > 0 && histogram[b] < left) left -= histogram[b--];
      chosen = static_cast<uint32_t>(b);
      remaining = left;
    }
    __syncthreads();
    prefix = prefix << 8 | chosen;
    wanted = remaining;
    __syncthreads();
  }
  return prefix;
}

struct Drawn {
  int64_t token;
  float logprob;
};

// Draws a token of one row; the result holds in warp 0. Every thread of the block must call it.
__device__ Drawn sampleRow(const float* logits, const SamplerParameters& p, int64_t streamId, int64_t step,
                           int64_t vocab) {
  const int64_t row = blockIdx.x;
  const float* x = logits + row * vocab;
  float own = -INFINITY;
  for (int64_t i = threadIdx.x; i < vocab; i += blockDim.x) own = fmaxf(own, x[i]);
  const float maximum = blockReduce(own, Max());

  const bool greedy = p.temperature == 0.0f;
  const float inverseTemperature = greedy ? 1.0f : inverseOf(p.temperature);
  uint32_t cut = 0;
  if (!greedy) {
    if (p.topK > 0 && p.topK < vocab) {
      cut = selectCut<false>(x, vocab, maximum, inverseTemperature, 0, static_cast<float>(p.topK));
    }
    if (p.topP < 1.0f) {
      float mass = 0;
      for (int64_t i = threadIdx.x; i < vocab; i += blockDim.x) {
        if (orderedKey(x[i]) >= cut) mass += __expf((x[i] - maximum) * inverseTemperature);
      }
      mass = blockReduce(mass, Sum());
      cut = max(cut, selectCut<true>(x, vocab, maximum, inverseTemperature, cut, p.topP * mass));
    }
    if (p.minP > 0.0f) cut = max(cut, orderedKey(maximum + logf(p.minP) * p.temperature));
    cut = min(cut, orderedKey(maximum));  // the most probable token always stays
  }

  // Mass per contiguous chunk of token ids, one chunk per thread.
  __shared__ float chunkMass[kThreads];
  const int64_t chunk = (vocab + kThreads - 1) / kThreads;
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  for (int c = warp; c < kThreads; c += kThreads / kWarp) {
    float mass = 0;
    for (int64_t i = c * chunk + lane; i < min((c + 1) * chunk, vocab); i += kWarp) {
      if (orderedKey(x[i]) >= cut) mass += __expf((x[i] - maximum) * inverseTemperature);
    }
    mass = warpReduce(mass, Sum());
    if (lane == 0) chunkMass[c] = mass;
  }
  __syncthreads();

  if (warp != 0) return {0, 0.0f};
  float total = 0;
  for (int c = 0; c < kThreads; ++c) total += chunkMass[c];
  const float logTotal = logf(total);
  int64_t token = -1;
  if (greedy) {
    for (int64_t base = 0; base < vocab && token < 0; base += kWarp) {
      const int64_t i = base + lane;
      const unsigned int hit = __ballot_sync(0xffffffffu, i < vocab && x[i] == maximum);
      if (hit != 0) token = base + __ffs(hit) - 1;
    }
  } else {
    float wanted = philoxUniform(p.seed, streamId, step) * total;
    int c = 0;
    while (c < kThreads - 1 && chunkMass[c] <= wanted) wanted -= chunkMass[c++];
    while (c > 0 && chunkMass[c] == 0.0f) --c;  // rounding walked past the last chunk with any mass
    for (int64_t base = c * chunk; base < min((c + 1) * chunk, vocab); base += kWarp) {
      const int64_t i = base + lane;
      const bool kept = i < min((c + 1) * chunk, vocab) && orderedKey(x[i]) >= cut;
      const float mass = kept ? __expf((x[i] - maximum) * inverseTemperature) : 0.0f;
      float cumulative = mass;
      for (int offset = 1; offset < kWarp; offset *= 2) {
        const float before = __shfl_up_sync(0xffffffffu, cumulative, offset);
        if (lane >= offset) cumulative += before;
      }
      const unsigned int keptLanes = __ballot_sync(0xffffffffu, kept);
      if (keptLanes != 0)
        token = base + 31 - __clz(keptLanes);  // the last kept id so far, should rounding leave a rest
      const unsigned int hit = __ballot_sync(0xffffffffu, kept && cumulative > wanted);
      if (hit != 0) {
        token = base + __ffs(hit) - 1;
        break;
      }
      wanted -= __shfl_sync(0xffffffffu, cumulative, kWarp - 1);
    }
  }
  if (token < 0) token = 0;  // a row without a finite maximum; its log-probability comes out NaN
  return {token, (x[token] - maximum) * inverseTemperature - logTotal};
}

__global__ void sampleKernel(const float* logits, SamplerParameters p, const int64_t* streamIds,
                             const int64_t* steps, int64_t* tokens, float* logprobs, int64_t vocab) {
  const int64_t row = blockIdx.x;
  const Drawn drawn = sampleRow(logits, p, streamIds[row], steps[row], vocab);
  if (threadIdx.x != 0) return;
  tokens[row] = drawn.token;
  logprobs[row] = drawn.logprob;
}

// The same inside a recorded step: options from memory, and the row moves on.
__global__ void sampleAdvanceFilteredKernel(const float* logits, const int64_t* parameters,
                                            DecodeStatePointers state, float* logprobs, int64_t vocab) {
  const int64_t row = blockIdx.x;
  const Drawn drawn =
      sampleRow(logits, parametersFrom(parameters), state.streams[row], state.steps[row], vocab);
  if (threadIdx.x != 0) return;
  logprobs[row] = drawn.logprob;
  advanceRow(state, row, drawn.token);
}

}  // namespace

void launchSample(const float* logits, const SamplerParameters& parameters, const int64_t* streamIds,
                  const int64_t* steps, int64_t* tokens, float* logprobs, int64_t rows, int64_t vocab,
                  cudaStream_t stream) {
  launch(sampleKernel, static_cast<unsigned int>(rows), kThreads, 0, stream, logits, parameters, streamIds,
         steps, tokens, logprobs, vocab);
}

void launchFilteredSampleAdvance(const float* logits, const int64_t* parameters,
                                 const DecodeStatePointers& state, float* logprobs, int64_t rows,
                                 int64_t vocab, cudaStream_t stream) {
  launch(sampleAdvanceFilteredKernel, static_cast<unsigned int>(rows), kThreads, 0, stream, logits,
         parameters, state, logprobs, vocab);
}

}  // namespace toolr0::cuda
