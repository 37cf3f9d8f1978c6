// One block per (sequence, kv head, chunk of query heads): keys and values are read once for all query heads
// of the chunk. Each warp walks every kPlainWarps-th token with its own online softmax (lanes split the head
// dimension); the warps' partial results are merged in shared memory.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kPlainWarps = 8;
constexpr int kHeadsPerBlock = 4;

// kParts = ceil(dim / 32): how many elements of a head each lane holds.
template <typename T, int kParts>
__global__ void decodeAttentionKernel(DecodeAttentionPointers<T> p) {
  const int64_t sequence = blockIdx.x, kvHead = blockIdx.y;
  const int64_t groupHeads = p.heads / p.kvHeads;
  const int firstHead = blockIdx.z * kHeadsPerBlock;
  const int heads = min(static_cast<int>(groupHeads) - firstHead, kHeadsPerBlock);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const T* query = p.query + sequence * p.queryRow + (kvHead * groupHeads + firstHead) * p.dim;

  float q[kHeadsPerBlock][kParts], accumulated[kHeadsPerBlock][kParts], maximum[kHeadsPerBlock],
      sum[kHeadsPerBlock];
  for (int h = 0; h < kHeadsPerBlock; ++h) {
    maximum[h] = -INFINITY;
    sum[h] = 0;
    for (int part = 0; part < kParts; ++part) {
      const int d = part * kWarp + lane;
      q[h][part] = h < heads && d < p.dim ? toFloat(query[h * p.dim + d]) * p.scale : 0.0f;
      accumulated[h][part] = 0;
    }
  }

  const int64_t prefix = p.prefixIndex[sequence];
  const int64_t prefixLength = p.prefixLength[prefix], length = prefixLength + p.suffixLength[sequence];
  const int32_t* prefixPages = p.prefixTable + prefix * p.maxPrefixPages;
  const int32_t* suffixPages = p.suffixTable + sequence * p.maxSuffixPages;
  for (int64_t token = warp; token < length; token += kPlainWarps) {
    const bool inPrefix = token < prefixLength;
    const int64_t t = inPrefix ? token : token - prefixLength;
    const int64_t page = (inPrefix ? prefixPages : suffixPages)[t / p.pageSize];
    const int64_t base = ((page * p.pageSize + t % p.pageSize) * p.kvHeads + kvHead) * p.dim;
    float key[kParts], value[kParts];
    for (int part = 0; part < kParts; ++part) {
      const int d = part * kWarp + lane;
      key[part] = d < p.dim ? toFloat(p.keyPages[base + d]) : 0.0f;
      value[part] = d < p.dim ? toFloat(p.valuePages[base + d]) : 0.0f;
    }
    for (int h = 0; h < kHeadsPerBlock; ++h) {
      if (h >= heads) break;
      float score = 0;
      for (int part = 0; part < kParts; ++part) score += q[h][part] * key[part];
      score = warpReduce(score, Sum());
      const float m = fmaxf(maximum[h], score);
      const float keep = __expf(maximum[h] - m), weight = __expf(score - m);
      maximum[h] = m;
      sum[h] = sum[h] * keep + weight;
      for (int part = 0; part < kParts; ++part)
        accumulated[h][part] = accumulated[h][part] * keep + weight * value[part];
    }
  }

  __shared__ float sharedMaximum[kPlainWarps][kHeadsPerBlock], sharedSum[kPlainWarps][kHeadsPerBlock];
  __shared__ float sharedOut[kPlainWarps][kParts * kWarp];
  for (int h = 0; h < heads; ++h) {
    if (lane == 0) {
      sharedMaximum[warp][h] = maximum[h];
      sharedSum[warp][h] = sum[h];
    }
  }
  __syncthreads();
  for (int h = 0; h < heads; ++h) {
    float m = -INFINITY;
    for (int w = 0; w < kPlainWarps; ++w) m = fmaxf(m, sharedMaximum[w][h]);
    float total = 0;
    for (int w = 0; w < kPlainWarps; ++w) total += sharedSum[w][h] * __expf(sharedMaximum[w][h] - m);
    const float factor = __expf(maximum[h] - m) / total;  // 0 for a warp that saw no token
    for (int part = 0; part < kParts; ++part)
      sharedOut[warp][part * kWarp + lane] = accumulated[h][part] * factor;
    __syncthreads();
    T* out = p.out + (sequence * p.heads + kvHead * groupHeads + firstHead + h) * p.dim;
    for (int d = threadIdx.x; d < p.dim; d += blockDim.x) {
      float value = 0;
      for (int w = 0; w < kPlainWarps; ++w) value += sharedOut[w][d];
      out[d] = fromFloat<T>(value);
    }
    __syncthreads();
  }
}

}  // namespace

template <typename T>
void launchDecodeAttention(const DecodeAttentionPointers<T>& p, cudaStream_t stream) {
  const int64_t chunks = (p.heads / p.kvHeads + kHeadsPerBlock - 1) / kHeadsPerBlock;
  const dim3 grid(static_cast<unsigned int>(p.batch), static_cast<unsigned int>(p.kvHeads),
                  static_cast<unsigned int>(chunks));
  const int threads = kPlainWarps * kWarp;
  if (p.dim <= 32) {
    launch(decodeAttentionKernel<T, 1>, grid, threads, 0, stream, p);
  } else if (p.dim <= 64) {
    launch(decodeAttentionKernel<T, 2>, grid, threads, 0, stream, p);
  } else if (p.dim <= 128) {
    launch(decodeAttentionKernel<T, 4>, grid, threads, 0, stream, p);
  } else {
    launch(decodeAttentionKernel<T, 8>, grid, threads, 0, stream, p);
  }
}

template void launchDecodeAttention<float>(const DecodeAttentionPointers<float>&, cudaStream_t);
template void launchDecodeAttention<__nv_bfloat16>(const DecodeAttentionPointers<__nv_bfloat16>&,
                                                   cudaStream_t);

}  // namespace toolr0::cuda
