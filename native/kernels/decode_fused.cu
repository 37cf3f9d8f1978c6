// The memory-bound parts of a decode step. A batch has few rows and each kernel moves some kilobytes, so
// latency is what counts: one block per row (norms) or one warp per head (rope), 16-byte accesses, each value
// read once.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

// N neighbouring elements, moved in one access.
template <typename T, int N>
struct alignas(sizeof(T) * N) Pack {
  T value[N];
};
template <typename T>
inline constexpr int kPackLength = 16 / sizeof(T);
constexpr int kParts = 4;  // packs of a row that one thread keeps in registers

// normed = rmsNorm(row) * weight; with `tokens` the row is embedding[token] and is also written to `copy`.
template <typename T, int N>
__global__ void normKernel(const T* x, const int64_t* tokens, const T* weight, float eps, T* copy, T* normed,
                           int n) {
  using P = Pack<T, N>;
  const int64_t row = blockIdx.x, from = tokens != nullptr ? tokens[row] : row;
  const P* input = reinterpret_cast<const P*>(x + from * n);
  const P* scaleBy = reinterpret_cast<const P*>(weight);
  P* output = reinterpret_cast<P*>(normed + row * n);
  const int packs = n / N;
  P kept[kParts];
  float sum = 0;
#pragma unroll
  for (int part = 0; part < kParts; ++part) {
    const int i = part * blockDim.x + threadIdx.x;
    if (i >= packs) continue;
    kept[part] = input[i];
    for (int j = 0; j < N; ++j) sum += toFloat(kept[part].value[j]) * toFloat(kept[part].value[j]);
  }
  const float scale = rsqrtf(blockReduce(sum, Sum()) / n + eps);
#pragma unroll
  for (int part = 0; part < kParts; ++part) {
    const int i = part * blockDim.x + threadIdx.x;
    if (i >= packs) continue;
    if (copy != nullptr) reinterpret_cast<P*>(copy + row * n)[i] = kept[part];
    const P w = scaleBy[i];
    P y;
    for (int j = 0; j < N; ++j) {
      // Rounded to T before the weight, as transformers does.
      const float normalised = toFloat(fromFloat<T>(toFloat(kept[part].value[j]) * scale));
      y.value[j] = fromFloat<T>(normalised * toFloat(w.value[j]));
    }
    output[i] = y;
  }
}

constexpr int kRopeWarps = 4, kRopeHalfParts = 4;

// One warp per head of one row; a lane holds the pairs (i, i + half) with i = lane, lane + 32, …
template <typename T>
__global__ void ropeStoreKernel(T* qkv, RopeStorePointers<T> p) {
  const int64_t row = blockIdx.x;
  const int head = blockIdx.y * kRopeWarps + threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const int allHeads = p.heads + 2 * p.kvHeads, half = p.dim / 2;
  if (head >= allHeads) return;
  T* x = qkv + (row * allHeads + head) * p.dim;
  const bool isQuery = head < p.heads, isValue = head >= p.heads + p.kvHeads;
  T* to = x;
  if (!isQuery) {
    const int kvHead = (head - p.heads) % p.kvHeads;
    to = (isValue ? p.valuePages : p.keyPages) + (p.slots[row] * p.kvHeads + kvHead) * p.dim;
  }
  const T* norm = isValue ? nullptr : isQuery ? p.queryNorm : p.keyNorm;
  float a[kRopeHalfParts], b[kRopeHalfParts], sum = 0;
#pragma unroll
  for (int part = 0; part < kRopeHalfParts; ++part) {
    const int i = part * kWarp + lane;
    a[part] = i < half ? toFloat(x[i]) : 0.0f;
    b[part] = i < half ? toFloat(x[i + half]) : 0.0f;
    sum += a[part] * a[part] + b[part] * b[part];
  }
  const float scale = norm != nullptr ? rsqrtf(warpReduce(sum, Sum()) / p.dim + p.eps) : 1.0f;
  const int64_t entry = p.positions[row] * half;
#pragma unroll
  for (int part = 0; part < kRopeHalfParts; ++part) {
    const int i = part * kWarp + lane;
    if (i >= half) continue;
    float u = a[part], v = b[part];
    if (norm != nullptr) {
      u = toFloat(fromFloat<T>(toFloat(fromFloat<T>(u * scale)) * toFloat(norm[i])));
      v = toFloat(fromFloat<T>(toFloat(fromFloat<T>(v * scale)) * toFloat(norm[i + half])));
    }
    const float c = isValue ? 1.0f : p.cosine[entry + i], s = isValue ? 0.0f : p.sine[entry + i];
    to[i] = fromFloat<T>(u * c - v * s);
    to[i + half] = fromFloat<T>(v * c + u * s);
  }
}

constexpr int kElementThreads = 256;

template <typename T, int N>
__global__ void swigluPackKernel(const T* gateUp, T* out, int64_t count, int packs) {
  using P = Pack<T, N>;
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= count) return;
  const int64_t row = index / packs, i = index % packs;
  const P* input = reinterpret_cast<const P*>(gateUp) + row * 2 * packs;
  const P gate = input[i], up = input[packs + i];
  P y;
  for (int j = 0; j < N; ++j) {
    const float g = toFloat(gate.value[j]);
    y.value[j] = fromFloat<T>(g / (1.0f + __expf(-g)) * toFloat(up.value[j]));
  }
  reinterpret_cast<P*>(out)[index] = y;
}

}  // namespace

template <typename T>
void launchNorm(const T* x, const int64_t* tokens, const T* weight, float eps, T* copy, T* normed,
                int64_t rows, int64_t n, cudaStream_t stream) {
  constexpr int N = kPackLength<T>;
  const auto run = [&](auto* kernel, int64_t packs) {
    const int64_t threads = (packs + kWarp - 1) / kWarp * kWarp;
    launch(kernel, static_cast<unsigned int>(rows),
           static_cast<unsigned int>(threads < 1024 ? threads : 1024), 0, stream, x, tokens, weight, eps,
           copy, normed, static_cast<int>(n));
  };
  if (n % N == 0) {
    run(normKernel<T, N>, n / N);
  } else {
    run(normKernel<T, 1>, n);
  }
}
template <typename T>
int64_t maxNormLength(int64_t n) {
  return kParts * 1024 * (n % kPackLength<T> == 0 ? kPackLength<T> : 1);
}

template <typename T>
void launchRopeStore(T* qkv, const RopeStorePointers<T>& p, int64_t rows, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned int>(rows), blocksFor(p.heads + 2 * p.kvHeads, kRopeWarps));
  launch(ropeStoreKernel<T>, grid, kRopeWarps * kWarp, 0, stream, qkv, p);
}

template <typename T>
void launchSwigluPack(const T* gateUp, T* out, int64_t rows, int64_t n, cudaStream_t stream) {
  constexpr int N = kPackLength<T>;
  if (n % N == 0) {
    launch(swigluPackKernel<T, N>, blocksFor(rows * n / N, kElementThreads), kElementThreads, 0, stream,
           gateUp, out, rows * n / N, static_cast<int>(n / N));
  } else {
    launch(swigluPackKernel<T, 1>, blocksFor(rows * n, kElementThreads), kElementThreads, 0, stream, gateUp,
           out, rows * n, static_cast<int>(n));
  }
}

#define TR0_INSTANTIATE(T)                                                                         \
  template void launchNorm<T>(const T*, const int64_t*, const T*, float, T*, T*, int64_t, int64_t, \
                              cudaStream_t);                                                       \
  template int64_t maxNormLength<T>(int64_t);                                                      \
  template void launchRopeStore<T>(T*, const RopeStorePointers<T>&, int64_t, cudaStream_t);        \
  template void launchSwigluPack<T>(const T*, T*, int64_t, int64_t, cudaStream_t);
TR0_INSTANTIATE(float)
TR0_INSTANTIATE(__nv_bfloat16)
#undef TR0_INSTANTIATE

}  // namespace toolr0::cuda
