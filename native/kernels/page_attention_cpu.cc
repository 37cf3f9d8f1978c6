#include <algorithm>
#include <limits>

#include "kernels/cpu_widen.h"
#include "kernels/page_attention.h"

namespace toolr0::cpu {
namespace {

using simd::laneCount;
using simd::loadAs;
using simd::loadWide;
using simd::store;

// Register tiles: queries × vectors of tokens (scores) or of the head dimension (values).
template <typename V>
constexpr int tileQueries() {
  return laneCount<V>() == 16 ? 8 : laneCount<V>() == 8 ? 4 : 2;
}
template <typename V>
constexpr int manyPages() {  // scored together when the queries are few
  return laneCount<V>() == 16 ? 4 : 1;
}

template <typename T>
struct HeadPages {
  const T* base;       // the head's part of page 0
  int64_t pageStride;  // elements
  const int32_t* table;
  int64_t tokens;
  const T* page(int64_t i) const { return base + table[i] * pageStride; }
  int64_t count() const { return (tokens + kPageTokens - 1) / kPageTokens; }
};

// scores[q][page * 16 + t] = query[q] · key, for Q queries and P pages.
template <typename V, typename T, int Q, int P>
TR0_INLINE void scoreTile(const HeadPages<T>& keys, int64_t first, const float* query, int64_t headDim,
                          float* scores, int64_t stride) {
  constexpr int kLanes = laneCount<V>(), kParts = kPageTokens / kLanes;
  const T* page[P];
  for (int i = 0; i < P; ++i) page[i] = keys.page(first + i);
  V sum[Q][P * kParts] = {};
  for (int64_t d = 0; d < headDim; ++d) {
    V key[P * kParts];
    for (int i = 0; i < P; ++i)
      for (int n = 0; n < kParts; ++n)
        key[i * kParts + n] = loadWide<V>(page[i] + d * kPageTokens + n * kLanes);
    for (int q = 0; q < Q; ++q) {
      const float x = query[q * headDim + d];
      for (int i = 0; i < P * kParts; ++i) sum[q][i] += key[i] * x;
    }
  }
  for (int q = 0; q < Q; ++q)
    for (int i = 0; i < P * kParts; ++i)
      store(scores + q * stride + first * kPageTokens + i * kLanes, sum[q][i]);
}

template <typename V, typename T, int Q, int P>
TR0_INLINE void scoreQueries(const HeadPages<T>& keys, int64_t first, const float* query, int64_t queries,
                             int64_t headDim, float* scores, int64_t stride) {
  int64_t q = 0;
  for (; q + Q <= queries; q += Q)
    scoreTile<V, T, Q, P>(keys, first, query + q * headDim, headDim, scores + q * stride, stride);
  if constexpr (Q > 1)
    if (q < queries)
      scoreQueries<V, T, Q / 2, P>(keys, first, query + q * headDim, queries - q, headDim,
                                   scores + q * stride, stride);
}

// All scores of these pages; those beyond the tokens become -inf.
template <typename V, typename T>
TR0_INLINE void scorePages(const HeadPages<T>& keys, const float* query, int64_t queries, int64_t headDim,
                           float* scores, int64_t stride) {
  constexpr int Q = tileQueries<V>(), P = manyPages<V>();
  const int64_t pages = keys.count();
  int64_t page = 0;
  if constexpr (P > 1) {
    if (queries < Q)
      for (; page + P <= pages; page += P)
        scoreQueries<V, T, Q / 2, P>(keys, page, query, queries, headDim, scores, stride);
    for (; page + 2 <= pages; page += 2)
      scoreQueries<V, T, Q, 2>(keys, page, query, queries, headDim, scores, stride);
  }
  for (; page < pages; ++page) scoreQueries<V, T, Q, 1>(keys, page, query, queries, headDim, scores, stride);
  const float masked = -std::numeric_limits<float>::infinity();
  for (int64_t q = 0; q < queries; ++q)
    for (int64_t t = keys.tokens; t < pages * kPageTokens; ++t) scores[q * stride + t] = masked;
}

// out[q] += weights[q] · values, for Q queries and N vectors of the head dimension.
template <typename V, typename T, int Q, int N>
TR0_INLINE void mixTile(const HeadPages<T>& values, const float* weights, int64_t stride, int64_t headDim,
                        int64_t column, float* out) {
  constexpr int kLanes = laneCount<V>();
  V sum[Q][N];
  for (int q = 0; q < Q; ++q)
    for (int n = 0; n < N; ++n) sum[q][n] = loadAs<V>(out + q * headDim + column + n * kLanes);
  const int64_t pages = values.count();
  for (int64_t i = 0; i < pages; ++i) {
    const T* page = values.page(i) + column;
    const float* weight = weights + i * kPageTokens;
    const int64_t tokens = std::min(kPageTokens, values.tokens - i * kPageTokens);
    for (int64_t t = 0; t < tokens; ++t) {
      V value[N];
      for (int n = 0; n < N; ++n) value[n] = loadWide<V>(page + t * headDim + n * kLanes);
      for (int q = 0; q < Q; ++q) {
        const float w = weight[q * stride + t];
        for (int n = 0; n < N; ++n) sum[q][n] += value[n] * w;
      }
    }
  }
  for (int q = 0; q < Q; ++q)
    for (int n = 0; n < N; ++n) store(out + q * headDim + column + n * kLanes, sum[q][n]);
}

template <typename V, typename T, int Q>
TR0_INLINE void mixQueries(const HeadPages<T>& values, const float* weights, int64_t stride, int64_t queries,
                           int64_t headDim, float* out) {
  constexpr int kLanes = laneCount<V>(), N = Q <= 2 && laneCount<V>() == 16 ? 4 : 2;
  int64_t q = 0;
  for (; q + Q <= queries; q += Q) {
    int64_t column = 0;
    for (; column + N * kLanes <= headDim; column += N * kLanes)
      mixTile<V, T, Q, N>(values, weights + q * stride, stride, headDim, column, out + q * headDim);
    if constexpr (N > 2)
      for (; column + 2 * kLanes <= headDim; column += 2 * kLanes)
        mixTile<V, T, Q, 2>(values, weights + q * stride, stride, headDim, column, out + q * headDim);
    for (; column < headDim; column += kLanes)
      mixTile<V, T, Q, 1>(values, weights + q * stride, stride, headDim, column, out + q * headDim);
  }
  if constexpr (Q > 1)
    if (q < queries)
      mixQueries<V, T, Q / 2>(values, weights + q * stride, stride, queries - q, headDim, out + q * headDim);
}

// Replaces scores by e^(score - max); returns 1 / their sum.
template <typename V>
TR0_INLINE float softmaxInPlace(float* scores, int64_t n) {
  constexpr int kLanes = laneCount<V>();
  V top = loadAs<V>(scores);
  for (int64_t i = kLanes; i < n; i += kLanes) top = simd::maximum(loadAs<V>(scores + i), top);
  const float maximum = simd::maxLanes(top);
  V total{};
  for (int64_t i = 0; i < n; i += kLanes) {
    const V e = simd::expNonPositive(loadAs<V>(scores + i) - maximum);
    store(scores + i, e);
    total += e;
  }
  return 1.0f / simd::sumLanes(total);
}

template <typename V, typename T>
TR0_INLINE void attendRun(const PageAttention<T>& p, int64_t begin, int64_t end, int64_t kvHead,
                          PageAttentionScratch& scratch) {
  const int64_t g = p.perKv, queries = (end - begin) * g, width = p.headDim;
  const int64_t headElements = kPageTokens * width, pageStride = p.kvHeads * headElements;
  const int64_t prefixRow = p.prefixIndex[begin];
  const auto pagesOf = [&](const T* pool, const int32_t* table, int64_t tokens) {
    return HeadPages<T>{pool + kvHead * headElements, pageStride, table, tokens};
  };
  const auto prefix = [&](const T* pool) {
    return pagesOf(pool, p.prefixTable + prefixRow * p.prefixColumns, p.prefixLength[prefixRow]);
  };
  const auto suffix = [&](const T* pool, int64_t b) {
    return pagesOf(pool, p.suffixTable + b * p.suffixColumns, p.suffixLength[b]);
  };
  const int64_t own = prefix(p.keys).count() * kPageTokens;  // column of the first own token
  int64_t stride = 0;
  for (int64_t b = begin; b < end; ++b)
    stride = std::max(stride, own + suffix(p.keys, b).count() * kPageTokens);
  stride += 16;  // rows of scores a power of two apart would share their cache sets
  scratch.query.resize(queries * width);
  scratch.out.assign(queries * width, 0.0f);
  if (static_cast<int64_t>(scratch.scores.size()) < queries * stride) scratch.scores.resize(queries * stride);
  float *query = scratch.query.data(), *out = scratch.out.data(), *scores = scratch.scores.data();

  const auto offset = [&](int64_t q) { return (kvHead * g + q % g) * width; };
  for (int64_t q = 0; q < queries; ++q) {
    const T* from = p.query + (begin + q / g) * p.queryStride + offset(q);
    for (int64_t d = 0; d < width; d += laneCount<V>())
      store(query + q * width + d, loadWide<V>(from + d) * p.scale);
  }
  scorePages<V, T>(prefix(p.keys), query, queries, width, scores, stride);
  for (int64_t b = begin; b < end; ++b) {
    const int64_t q = (b - begin) * g;
    scorePages<V, T>(suffix(p.keys, b), query + q * width, g, width, scores + q * stride + own, stride);
  }
  float* inverse = query;  // the queries are used up
  for (int64_t q = 0; q < queries; ++q)
    inverse[q] =
        softmaxInPlace<V>(scores + q * stride, own + suffix(p.keys, begin + q / g).count() * kPageTokens);
  mixQueries<V, T, tileQueries<V>()>(prefix(p.values), scores, stride, queries, width, out);
  for (int64_t b = begin; b < end; ++b) {
    const int64_t q = (b - begin) * g;
    mixQueries<V, T, tileQueries<V>()>(suffix(p.values, b), scores + q * stride + own, stride, g, width,
                                       out + q * width);
  }
  // The values were mixed with unnormalised weights: one multiplication here instead of one per weight.
  for (int64_t q = 0; q < queries; ++q) {
    T* to = p.out + (begin + q / g) * p.outStride + offset(q);
    for (int64_t d = 0; d < width; d += laneCount<V>())
      simd::storeNarrow(to + d, loadAs<V>(out + q * width + d) * inverse[q]);
  }
}

template <typename V>
TR0_INLINE void floatBody(const PageAttention<float>& p, int64_t begin, int64_t end, int64_t kvHead,
                          PageAttentionScratch& scratch) {
  attendRun<V, float>(p, begin, end, kvHead, scratch);
}
template <typename V>
TR0_INLINE void bfloat16Body(const PageAttention<c10::BFloat16>& p, int64_t begin, int64_t end,
                             int64_t kvHead, PageAttentionScratch& scratch) {
  attendRun<V, c10::BFloat16>(p, begin, end, kvHead, scratch);
}
TR0_CPU_DISPATCH_LANES(attendFloat, floatBody,
                       (const PageAttention<float>& p, int64_t begin, int64_t end, int64_t kvHead,
                        PageAttentionScratch& scratch),
                       (p, begin, end, kvHead, scratch))
TR0_CPU_DISPATCH_LANES(attendBFloat16, bfloat16Body,
                       (const PageAttention<c10::BFloat16>& p, int64_t begin, int64_t end, int64_t kvHead,
                        PageAttentionScratch& scratch),
                       (p, begin, end, kvHead, scratch))

}  // namespace

void attendPages(const PageAttention<float>& attention, int64_t begin, int64_t end, int64_t kvHead,
                 PageAttentionScratch& scratch) {
  attendFloat(attention, begin, end, kvHead, scratch);
}
void attendPages(const PageAttention<c10::BFloat16>& attention, int64_t begin, int64_t end, int64_t kvHead,
                 PageAttentionScratch& scratch) {
  attendBFloat16(attention, begin, end, kvHead, scratch);
}

}  // namespace toolr0::cpu
