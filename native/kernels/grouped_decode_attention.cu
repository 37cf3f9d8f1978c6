// Decode attention over pages, one launch per layer. A block takes one kv head and either a stretch of one
// row's own tokens or a stretch of a prompt for all rows of a run that share it: keys and values are read
// once for all query heads of the kv head and, in prompts, for all rows. The queries fill the rows of
// tensor-core tiles (16 per tile, up to 4 tiles), so the matrix products cost little beside the reads.
// Stretches are as many as fill the device (flash decoding); the block that finishes a row last merges its
// parts by their log-sum-exps.
//
// Four warps share a tile of 64 tokens: with one query tile each warp takes 16 tokens of it, with four each
// takes a query tile and all tokens. The next tile is copied while the current one is used.
#include "kernels/grouped_decode_work.cuh"
#include "kernels/launch.cuh"
#include "kernels/mma.cuh"

namespace toolr0::cuda {
namespace {

constexpr int kWarps = 4, kThreads = kWarps * kWarp;
constexpr int kSlab = 16, kMaxQueries = 64;
constexpr float kLog2E = 1.4426950408889634f;

// Rows of shared memory are shifted by 16 bytes against each other, so that lanes meet in no bank.
template <int kDim>
inline constexpr int kRowLength = kDim + 8;
template <int kDim>
inline constexpr int kTileElements = kTileTokens * kRowLength<kDim>;
template <int kDim>
inline constexpr size_t kSharedBytes = size_t{2} * 2 * kTileElements<kDim> * sizeof(__nv_bfloat16);

// Starts the copies of a tile's keys and values; what lies beyond `end` becomes zero.
template <int kDim>
__device__ inline void loadTile(const GroupedDecodePointers& p, const Work& work, int tokenBegin, int kvHead,
                                __nv_bfloat16* keys, __nv_bfloat16* values) {
  constexpr int kChunks = kDim / 8;  // of 16 bytes
  for (int i = threadIdx.x; i < kTileTokens * kChunks; i += kThreads) {
    const int inTile = i / kChunks, d = i % kChunks * 8, token = tokenBegin + inTile;
    const int at = inTile * kRowLength<kDim> + d;
    if (token < work.end) {
      const int64_t slot =
          static_cast<int64_t>(work.table[token / p.pageSize]) * p.pageSize + token % p.pageSize;
      const int64_t from = (slot * p.kvHeads + kvHead) * kDim + d;
      copyAsync16(keys + at, p.keyPages + from);
      copyAsync16(values + at, p.valuePages + from);
    } else {
      *reinterpret_cast<uint4*>(keys + at) = make_uint4(0, 0, 0, 0);
      *reinterpret_cast<uint4*>(values + at) = make_uint4(0, 0, 0, 0);
    }
  }
  commitCopies();
}

__device__ inline uint32_t pack(__nv_bfloat16 low, __nv_bfloat16 high) {
  return static_cast<uint32_t>(__bfloat16_as_ushort(low)) | static_cast<uint32_t>(__bfloat16_as_ushort(high))
                                                                << 16;
}
__device__ inline uint32_t pair(const __nv_bfloat16* p) {
  return *reinterpret_cast<const uint32_t*>(p);
}

// What a warp knows of its 16 queries: of rows g and g + 8 of the tile, see mma.cuh.
template <int kDim>
struct WarpState {
  uint32_t query[kDim / 16][4];
  float out[kDim / 8][4];
  float maximum[2], sum[2];  // of scores times log2(e); the sum is this lane's share
};

template <int kDim>
__device__ inline void loadQueries(const GroupedDecodePointers& p, const Work& work, int kvHead, int tile,
                                   WarpState<kDim>& state) {
  const int perKv = p.heads / p.kvHeads, count = work.rows * perKv, lane = threadIdx.x % kWarp;
  for (int half = 0; half < 2; ++half) {
    const int q = tile * 16 + lane / 4 + half * 8;
    const __nv_bfloat16* from = p.query + (work.firstRow + q / perKv) * p.queryRow +
                                static_cast<int64_t>(kvHead * perKv + q % perKv) * kDim + lane % 4 * 2;
#pragma unroll
    for (int k = 0; k < kDim / 16; ++k) {
      state.query[k][half] = q < count ? pair(from + k * 16) : 0u;
      state.query[k][half + 2] = q < count ? pair(from + k * 16 + 8) : 0u;
    }
    state.maximum[half] = -INFINITY;
    state.sum[half] = 0;
  }
#pragma unroll
  for (int n = 0; n < kDim / 8; ++n)
    for (int i = 0; i < 4; ++i) state.out[n][i] = 0;
}

// The next 16 tokens, of which `valid` > 0 exist; keys and values point to the first one's row.
template <int kDim>
__device__ inline void attendSlab(const __nv_bfloat16* keys, const __nv_bfloat16* values, int valid,
                                  float scale, WarpState<kDim>& state) {
  constexpr int kRow = kRowLength<kDim>;
  const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
  float score[2][4];
#pragma unroll
  for (int n = 0; n < 2; ++n) {
    for (int i = 0; i < 4; ++i) score[n][i] = 0;
    const __nv_bfloat16* key = keys + (n * 8 + g) * kRow + t * 2;
#pragma unroll
    for (int k = 0; k < kDim / 16; ++k)
      mmaBf16(score[n], state.query[k], pair(key + k * 16), pair(key + k * 16 + 8));
    for (int i = 0; i < 4; ++i) score[n][i] = n * 8 + t * 2 + i % 2 < valid ? score[n][i] * scale : -INFINITY;
  }
  uint32_t weights[4];
  for (int half = 0; half < 2; ++half) {
    float top = state.maximum[half];
    for (int n = 0; n < 2; ++n) top = fmaxf(top, fmaxf(score[n][half * 2], score[n][half * 2 + 1]));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
    const float keep = exp2f(state.maximum[half] - top);
    state.maximum[half] = top;
    state.sum[half] *= keep;
#pragma unroll
    for (int n = 0; n < kDim / 8; ++n) {
      state.out[n][half * 2] *= keep;
      state.out[n][half * 2 + 1] *= keep;
    }
    for (int n = 0; n < 2; ++n) {
      const float a = exp2f(score[n][half * 2] - top), b = exp2f(score[n][half * 2 + 1] - top);
      state.sum[half] += a + b;
      weights[half + n * 2] = pack(__float2bfloat16(a), __float2bfloat16(b));
    }
  }
#pragma unroll
  for (int n = 0; n < kDim / 8; ++n) {
    const __nv_bfloat16* value = values + t * 2 * kRow + n * 8 + g;
    mmaBf16(state.out[n], weights, pack(value[0], value[kRow]), pack(value[8 * kRow], value[9 * kRow]));
  }
}

// Where part `part` of a row's head lies: kDim weighted sums, the maximum, the sum of weights.
template <int kDim>
__device__ inline float* partOf(const GroupedDecodePointers& p, int row, int head, int part) {
  const int64_t index =
      (static_cast<int64_t>(row) * p.heads + head) * (p.prefixSplits + p.suffixSplits) + part;
  return p.parts + index * (kDim + 2);
}

// Adds up what the warps that shared a query tile have found, and writes it: as the result where the row has
// only this part, else as a part.
template <int kDim>
__device__ inline void writeParts(const GroupedDecodePointers& p, const Work& work, int kvHead, int tiles,
                                  const WarpState<kDim>& state, float* shared) {
  constexpr int kWarpFloats = 16 * (kDim + 2);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, g = lane / 4, t = lane % 4;
  float* mine = shared + warp * kWarpFloats;
  for (int half = 0; half < 2; ++half) {
    float* row = mine + (g + half * 8) * (kDim + 2);
    float sum = state.sum[half];
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    sum += __shfl_xor_sync(0xffffffffu, sum, 2);
#pragma unroll
    for (int n = 0; n < kDim / 8; ++n) {
      row[n * 8 + t * 2] = state.out[n][half * 2];
      row[n * 8 + t * 2 + 1] = state.out[n][half * 2 + 1];
    }
    if (t == 0) {
      row[kDim] = state.maximum[half];
      row[kDim + 1] = sum;
    }
  }
  __syncthreads();
  const int perKv = p.heads / p.kvHeads, groups = kWarps / tiles;
  for (int i = threadIdx.x; i < work.rows * perKv * kDim; i += kThreads) {
    const int q = i / kDim, d = i % kDim, row = work.firstRow + q / perKv, head = kvHead * perKv + q % perKv;
    const float* first = shared + q / 16 * kWarpFloats + q % 16 * (kDim + 2);
    float top = -INFINITY, sum = 0, value = 0;
    for (int group = 0; group < groups; ++group) top = fmaxf(top, first[group * tiles * kWarpFloats + kDim]);
    for (int group = 0; group < groups; ++group) {
      const float* from = first + group * tiles * kWarpFloats;
      const float factor = exp2f(from[kDim] - top);  // 0 for a warp without tokens
      value += from[d] * factor;
      sum += from[kDim + 1] * factor;
    }
    const bool alone = prefixPartsOf(p, row) + stretchesOf(p.suffixLength[row], p.suffixSplits) == 1;
    if (alone) {
      p.out[(static_cast<int64_t>(row) * p.heads + head) * kDim + d] = __float2bfloat16(value / sum);
      continue;
    }
    float* part = partOf<kDim>(p, row, head, work.part);
    part[d] = value;
    if (d == 0) {
      part[kDim] = top;
      part[kDim + 1] = sum;
    }
  }
}

// The block that brings the last part of a row merges them.
template <int kDim>
__device__ inline void mergeFinished(const GroupedDecodePointers& p, const Work& work, int kvHead) {
  __shared__ int mergeParts[kMaxQueries];  // parts of a row to merge; 0: not by this block
  const int perKv = p.heads / p.kvHeads;
  __threadfence();
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < work.rows) {
    const int row = work.firstRow + threadIdx.x;
    const int parts = prefixPartsOf(p, row) + stretchesOf(p.suffixLength[row], p.suffixSplits);
    int* arrived = p.arrived + row * p.kvHeads + kvHead;
    const bool last = parts > 1 && atomicAdd(arrived, 1) == parts - 1;
    if (last) *arrived = 0;
    mergeParts[threadIdx.x] = last ? parts : 0;
  }
  __syncthreads();
  __threadfence();
  for (int i = threadIdx.x; i < work.rows * perKv * kDim; i += kThreads) {
    const int q = i / kDim, d = i % kDim, parts = mergeParts[q / perKv];
    if (parts == 0) continue;
    const int row = work.firstRow + q / perKv, head = kvHead * perKv + q % perKv;
    const float* first = partOf<kDim>(p, row, head, 0);
    float top = -INFINITY, sum = 0, value = 0;
    for (int part = 0; part < parts; ++part) top = fmaxf(top, __ldcg(first + part * (kDim + 2) + kDim));
    for (int part = 0; part < parts; ++part) {
      const float* from = first + part * (kDim + 2);
      const float factor = exp2f(__ldcg(from + kDim) - top);
      value += __ldcg(from + d) * factor;
      sum += __ldcg(from + kDim + 1) * factor;
    }
    p.out[(static_cast<int64_t>(row) * p.heads + head) * kDim + d] = __float2bfloat16(value / sum);
  }
}

template <int kDim>
__global__ void __launch_bounds__(kThreads) groupedDecodeKernel(GroupedDecodePointers p) {
  TR0_DYNAMIC_SHARED(__nv_bfloat16, shared);
  Work work;
  if (!findWork(p, work)) return;
  const int kvHead = blockIdx.y, warp = threadIdx.x / kWarp;
  const int queries = work.rows * (p.heads / p.kvHeads);
  const int tiles = queries <= 16 ? 1 : queries <= 32 ? 2 : 4;  // of queries; kWarps / tiles warps share one
  const int tile = warp % tiles, slabs = tiles;  // 16-token slabs of a tile that are this warp's
  const bool busy = tile * 16 < queries;
  const float scale = p.scale * kLog2E;
  WarpState<kDim> state;
  loadQueries(p, work, kvHead, tile, state);

  const auto stage = [&](int which) { return shared + which * 2 * kTileElements<kDim>; };
  loadTile<kDim>(p, work, work.begin, kvHead, stage(0), stage(0) + kTileElements<kDim>);
  int current = 0;
  for (int begin = work.begin; begin < work.end; begin += kTileTokens, current ^= 1) {
    if (begin + kTileTokens < work.end) {
      __nv_bfloat16* next = stage(current ^ 1);
      loadTile<kDim>(p, work, begin + kTileTokens, kvHead, next, next + kTileElements<kDim>);
      waitCopies<1>();
    } else {
      waitCopies<0>();
    }
    __syncthreads();
    for (int s = 0; busy && s < slabs; ++s) {
      const int first = (warp / tiles * slabs + s) * kSlab, valid = work.end - begin - first;
      if (valid <= 0) break;
      const __nv_bfloat16* keys = stage(current) + first * kRowLength<kDim>;
      attendSlab<kDim>(keys, keys + kTileElements<kDim>, valid, scale, state);
    }
    __syncthreads();  // the tile is overwritten next
  }
  writeParts<kDim>(p, work, kvHead, tiles, state, reinterpret_cast<float*>(shared));
  mergeFinished<kDim>(p, work, kvHead);
}

template <int kDim>
void launchFor(const GroupedDecodePointers& p, cudaStream_t stream) {
  static_assert(kSharedBytes<kDim> >= kWarps * 16 * (kDim + 2) * sizeof(float), "the merge reuses the tiles");
  cudaFuncSetAttribute(groupedDecodeKernel<kDim>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                       static_cast<int>(kSharedBytes<kDim>));
  const dim3 grid(static_cast<unsigned int>(p.runs * p.prefixSplits + p.rows * p.suffixSplits),
                  static_cast<unsigned int>(p.kvHeads));
  launch(groupedDecodeKernel<kDim>, grid, kThreads, kSharedBytes<kDim>, stream, p);
}

}  // namespace

bool groupedDecodeTakes(int64_t dim, int64_t heads, int64_t kvHeads) {
  return (dim == 32 || dim == 64 || dim == 96 || dim == 128) && heads / kvHeads <= kMaxQueries;
}

void launchGroupedDecode(const GroupedDecodePointers& p, int64_t dim, cudaStream_t stream) {
  if (dim == 32) {
    launchFor<32>(p, stream);
  } else if (dim == 64) {
    launchFor<64>(p, stream);
  } else if (dim == 96) {
    launchFor<96>(p, stream);
  } else {
    launchFor<128>(p, stream);
  }
}

}  // namespace toolr0::cuda
