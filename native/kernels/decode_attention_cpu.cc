// Decode attention for the CPU. One task is a run of sequences that share a prompt × one key/value head:
// every block of the prompt's keys and values is read and widened once for all query heads of the run, then
// each sequence's own blocks.
//
// Keys are transposed to [D, 16 tokens], so that a score block is D multiply-adds on whole vectors without a
// horizontal sum; softmax is exact in two passes over the stored scores. A query's arithmetic never depends
// on which others share its run.
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/cpu_simd.h"
#include "kernels/decode_attention.h"

namespace toolr0::cpu {
namespace {

using simd::F16;
using simd::F4;

constexpr int64_t kBlock = simd::kLanes;  // tokens scored together
constexpr int64_t kMaxRun = 8;            // sequences of one task; bounds the scratch and keeps tasks many

struct Problem {
  int64_t kvHeads, perKv, headDim, padded, pageSize, prefixColumns, suffixColumns;
  float scale;
  const void *query, *keys, *values;
  void* out;
  const int32_t *prefixIndex, *prefixTable, *prefixLength, *suffixTable, *suffixLength;
};

// Scratch of one thread, kept between calls.
struct Scratch {
  std::vector<float> query, out;    // [queries, padded]
  std::vector<float> scores;        // [queries, stride]
  std::vector<float> rows, turned;  // [16, padded], [padded, 16]
};

TR0_INLINE F16 widen(const float* p) {
  return simd::load(p);
}
TR0_INLINE F16 widen(const at::BFloat16* p) {
  return (F16)(__builtin_convertvector(simd::loadAs<simd::H16>(p), simd::U16) << 16);
}

template <typename T>
TR0_INLINE void widenRow(const T* from, int64_t n, float* to, int64_t padded) {
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) simd::store(to + i, widen(from + i));
  for (; i < n; ++i) to[i] = static_cast<float>(from[i]);
  for (; i < padded; ++i) to[i] = 0.0f;
}

// [16, padded] → [padded, 16], in squares of four.
TR0_INLINE void transpose(const float* from, float* to, int64_t padded) {
  for (int64_t d = 0; d < padded; d += 4) {
    for (int64_t t = 0; t < kBlock; t += 4) {
      const float* source = from + t * padded + d;
      const F4 a = simd::loadAs<F4>(source), b = simd::loadAs<F4>(source + padded);
      const F4 c = simd::loadAs<F4>(source + 2 * padded), e = simd::loadAs<F4>(source + 3 * padded);
      const F4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5),
               ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const F4 ce0 = __builtin_shufflevector(c, e, 0, 4, 1, 5),
               ce1 = __builtin_shufflevector(c, e, 2, 6, 3, 7);
      float* target = to + d * kBlock + t;
      simd::storeAs(target, __builtin_shufflevector(ab0, ce0, 0, 1, 4, 5));
      simd::storeAs(target + kBlock, __builtin_shufflevector(ab0, ce0, 2, 3, 6, 7));
      simd::storeAs(target + 2 * kBlock, __builtin_shufflevector(ab1, ce1, 0, 1, 4, 5));
      simd::storeAs(target + 3 * kBlock, __builtin_shufflevector(ab1, ce1, 2, 3, 6, 7));
    }
  }
}

// Scores of `count` ≤ 16 tokens for Q queries; lanes beyond the tokens become −inf.
template <int Q>
TR0_INLINE void scoreBlock(const float* query, const float* turned, int64_t padded, int64_t count,
                           float* scores, int64_t stride) {
  F16 sum[Q] = {};
  for (int64_t d = 0; d < padded; ++d) {
    const F16 key = simd::load(turned + d * kBlock);
    for (int q = 0; q < Q; ++q) sum[q] += query[q * padded + d] * key;
  }
  for (int q = 0; q < Q; ++q) {
    simd::store(scores + q * stride, sum[q]);
    for (int64_t t = count; t < kBlock; ++t) scores[q * stride + t] = -std::numeric_limits<float>::infinity();
  }
}

// out += weights · rows for Q queries and N vectors of the head dimension.
template <int Q, int N>
TR0_INLINE void mixColumns(const float* weights, int64_t stride, const float* rows, int64_t padded,
                           int64_t count, float* out) {
  F16 sum[Q][N];
  for (int q = 0; q < Q; ++q)
    for (int n = 0; n < N; ++n) sum[q][n] = simd::load(out + q * padded + n * simd::kLanes);
  for (int64_t t = 0; t < count; ++t) {
    F16 value[N];
    for (int n = 0; n < N; ++n) value[n] = simd::load(rows + t * padded + n * simd::kLanes);
    for (int q = 0; q < Q; ++q)
      for (int n = 0; n < N; ++n) sum[q][n] += weights[q * stride + t] * value[n];
  }
  for (int q = 0; q < Q; ++q)
    for (int n = 0; n < N; ++n) simd::store(out + q * padded + n * simd::kLanes, sum[q][n]);
}
template <int Q>
TR0_INLINE void mixBlock(const float* weights, int64_t stride, const float* rows, int64_t padded,
                         int64_t count, float* out) {
  int64_t d = 0;
  for (; d + 2 * simd::kLanes <= padded; d += 2 * simd::kLanes)
    mixColumns<Q, 2>(weights, stride, rows + d, padded, count, out + d);
  if (d < padded) mixColumns<Q, 1>(weights, stride, rows + d, padded, count, out + d);
}

// Visits the blocks of `length` tokens lying in the pages of `table`, loading each into scratch.rows.
template <typename T, typename Visit>
TR0_INLINE void forEachBlock(const Problem& p, const T* pool, const int32_t* table, int64_t length,
                             int64_t kvHead, float* rows, const Visit& visit) {
  const int64_t token = p.kvHeads * p.headDim;
  int64_t block = 0;
  for (int64_t begin = 0; begin < length; begin += p.pageSize) {
    const T* page = pool + table[begin / p.pageSize] * p.pageSize * token + kvHead * p.headDim;
    const int64_t inPage = std::min(p.pageSize, length - begin);
    for (int64_t first = 0; first < inPage; first += kBlock, ++block) {
      const int64_t count = std::min(kBlock, inPage - first);
      for (int64_t t = 0; t < count; ++t)
        widenRow(page + (first + t) * token, p.headDim, rows + t * p.padded, p.padded);
      visit(block, count);
    }
  }
}

// Replaces scores by e^(score − max); returns 1 / their sum.
TR0_INLINE float softmaxInPlace(float* scores, int64_t n) {
  F16 top = simd::load(scores);
  for (int64_t i = kBlock; i < n; i += kBlock) top = simd::maximum(simd::load(scores + i), top);
  const float maximum = simd::maxLanes(top);
  F16 total{};
  for (int64_t i = 0; i < n; i += kBlock) {
    const F16 e = simd::expNonPositive(simd::load(scores + i) - maximum);
    simd::store(scores + i, e);
    total += e;
  }
  return 1.0f / simd::sumLanes(total);
}

// Sequences [begin, end) share a prefix.
template <typename T>
TR0_INLINE void attendRun(const Problem& p, int64_t begin, int64_t end, int64_t kvHead, Scratch& scratch) {
  const int64_t g = p.perKv, queries = (end - begin) * g, width = p.padded;
  const int64_t prefixRow = p.prefixIndex[begin], prefixTokens = p.prefixLength[prefixRow];
  const int32_t* prefixTable = p.prefixTable + prefixRow * p.prefixColumns;
  const int64_t blocksPerPage = (p.pageSize + kBlock - 1) / kBlock;
  const auto blocks = [&](int64_t tokens) {
    return tokens / p.pageSize * blocksPerPage + (tokens % p.pageSize + kBlock - 1) / kBlock;
  };
  const int64_t prefixBlocks = blocks(prefixTokens);
  int64_t longest = 0;
  for (int64_t b = begin; b < end; ++b) longest = std::max<int64_t>(longest, p.suffixLength[b]);
  const int64_t stride = (prefixBlocks + blocks(longest)) * kBlock;
  scratch.query.resize(queries * width);
  scratch.out.assign(queries * width, 0.0f);
  scratch.scores.resize(queries * stride);
  scratch.rows.resize(kBlock * width);
  scratch.turned.resize(kBlock * width);
  float *query = scratch.query.data(), *out = scratch.out.data(), *scores = scratch.scores.data();
  float *rows = scratch.rows.data(), *turned = scratch.turned.data();

  const T* source = static_cast<const T*>(p.query);
  for (int64_t b = begin; b < end; ++b)
    for (int64_t h = 0; h < g; ++h) {
      float* row = query + ((b - begin) * g + h) * width;
      widenRow(source + ((b * p.kvHeads + kvHead) * g + h) * p.headDim, p.headDim, row, width);
      for (int64_t d = 0; d < width; ++d) row[d] *= p.scale;
    }

  const auto score = [&](int64_t firstQuery, int64_t count, int64_t column,
                         int64_t tokens) __attribute__((always_inline)) {
    transpose(rows, turned, width);
    int64_t q = firstQuery;
    const int64_t last = firstQuery + count;
    for (; q + 4 <= last; q += 4)
      scoreBlock<4>(query + q * width, turned, width, tokens, scores + q * stride + column, stride);
    for (; q + 2 <= last; q += 2)
      scoreBlock<2>(query + q * width, turned, width, tokens, scores + q * stride + column, stride);
    for (; q < last; ++q)
      scoreBlock<1>(query + q * width, turned, width, tokens, scores + q * stride + column, stride);
  };
  const auto mix = [&](int64_t firstQuery, int64_t count, int64_t column,
                       int64_t tokens) __attribute__((always_inline)) {
    int64_t q = firstQuery;
    const int64_t last = firstQuery + count;
    for (; q + 2 <= last; q += 2)
      mixBlock<2>(scores + q * stride + column, stride, rows, width, tokens, out + q * width);
    for (; q < last; ++q)
      mixBlock<1>(scores + q * stride + column, stride, rows, width, tokens, out + q * width);
  };
  const auto pass = [&](const T* pool, const auto& visit) __attribute__((always_inline)) {
    forEachBlock(p, pool, prefixTable, prefixTokens, kvHead, rows,
                 [&](int64_t block, int64_t tokens)
                     __attribute__((always_inline)) { visit(0, queries, block * kBlock, tokens); });
    for (int64_t b = begin; b < end; ++b)
      forEachBlock(p, pool, p.suffixTable + b * p.suffixColumns, p.suffixLength[b], kvHead, rows,
                   [&](int64_t block, int64_t tokens) __attribute__((always_inline)) {
                     visit((b - begin) * g, g, (prefixBlocks + block) * kBlock, tokens);
                   });
  };

  pass(static_cast<const T*>(p.keys), score);
  // The values follow unscaled; the sum divides the result (fewer roundings than dividing every weight).
  std::vector<float>& inverse = scratch.query;  // the queries are used up
  for (int64_t q = 0; q < queries; ++q) {
    const int64_t used = (prefixBlocks + blocks(p.suffixLength[begin + q / g])) * kBlock;
    inverse[q] = softmaxInPlace(scores + q * stride, used);
  }
  pass(static_cast<const T*>(p.values), mix);

  T* target = static_cast<T*>(p.out);
  for (int64_t q = 0; q < queries; ++q) {
    T* row = target + (((begin + q / g) * p.kvHeads + kvHead) * g + q % g) * p.headDim;
    for (int64_t d = 0; d < p.headDim; ++d) row[d] = static_cast<T>(out[q * width + d] * inverse[q]);
  }
}

TR0_CPU_DISPATCH(attendFloat, attendRun<float>,
                 (const Problem& p, int64_t begin, int64_t end, int64_t kvHead, Scratch& scratch),
                 (p, begin, end, kvHead, scratch))
TR0_CPU_DISPATCH(attendBFloat16, attendRun<at::BFloat16>,
                 (const Problem& p, int64_t begin, int64_t end, int64_t kvHead, Scratch& scratch),
                 (p, begin, end, kvHead, scratch))

}  // namespace

at::Tensor decodeAttention(const DecodeAttentionInput& input) {
  const at::Tensor query = input.query.contiguous();
  at::Tensor out = at::empty_like(query);
  const int64_t batch = query.size(0), headDim = query.size(2), kvHeads = input.keyPages.size(2);
  const auto table = [](const at::Tensor& t) {
    TORCH_CHECK(t.scalar_type() == at::kInt && t.stride(-1) == 1,
                "page tables and lengths are int32 with dense rows");
    return t.const_data_ptr<int32_t>();
  };
  const Problem problem{kvHeads,
                        query.size(1) / kvHeads,
                        headDim,
                        (headDim + simd::kLanes - 1) / simd::kLanes * simd::kLanes,
                        input.keyPages.size(1),
                        input.prefixTable.stride(0),
                        input.suffixTable.stride(0),
                        static_cast<float>(input.scale),
                        query.const_data_ptr(),
                        input.keyPages.const_data_ptr(),
                        input.valuePages.const_data_ptr(),
                        out.mutable_data_ptr(),
                        table(input.prefixIndex),
                        table(input.prefixTable),
                        table(input.prefixLength),
                        table(input.suffixTable),
                        table(input.suffixLength)};
  std::vector<int64_t> runs;  // first sequence of each run
  for (int64_t b = 0; b < batch; ++b)
    if (runs.empty() || problem.prefixIndex[b] != problem.prefixIndex[runs.back()] ||
        b - runs.back() == kMaxRun)
      runs.push_back(b);
  const int64_t runCount = static_cast<int64_t>(runs.size());
  runs.push_back(batch);
  const auto attend = query.scalar_type() == at::kFloat ? attendFloat : attendBFloat16;
  at::parallel_for(0, runCount * kvHeads, 1, [&](int64_t begin, int64_t end) {
    thread_local Scratch scratch;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t run = task / kvHeads;
      attend(problem, runs[run], runs[run + 1], task % kvHeads, scratch);
    }
  });
  return out;
}

}  // namespace toolr0::cpu
