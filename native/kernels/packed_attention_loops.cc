#include "kernels/packed_attention_loops.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu_simd.h"

namespace toolr0::cpu {
namespace {

using simd::laneCount;
using simd::loadAs;
using simd::store;
constexpr int64_t kTile = 16;  // keys per tile
constexpr int64_t kRows = 6;   // query rows of a register tile: its sums stay in registers at every level

template <typename V>
TR0_INLINE void multiplyTilesBody(const float* left, int64_t rows, int64_t width, const float* tiles,
                                  int64_t tileCount, int64_t headDim, float* scores, int64_t stride) {
  constexpr int64_t kLanes = laneCount<V>();
  for (int64_t column = 0; column < tileCount * kTile; column += kLanes) {
    const float* right = tiles + column / kTile * headDim * kTile + column % kTile;
    for (int64_t row = 0; row < rows; row += kRows) {
      const float* a = left + row * width;
      V sum[kRows] = {};
      for (int64_t d = 0; d < headDim; ++d) {
        const V b = loadAs<V>(right + d * kTile);
        for (int64_t i = 0; i < kRows; ++i) sum[i] += b * a[i * width + d];
      }
      for (int64_t i = 0; i < kRows; ++i) store(scores + (row + i) * stride + column, sum[i]);
    }
  }
}

template <typename V>
TR0_INLINE void accumulateRowsBody(const float* weights, int64_t stride, int64_t rows, int64_t keys,
                                   const float* right, int64_t width, float* out) {
  constexpr int64_t kLanes = laneCount<V>();
  for (int64_t row = 0; row < rows; row += kRows) {
    const float* w = weights + row * stride;
    for (int64_t column = 0; column < width; column += kLanes) {
      V sum[kRows];
      for (int64_t i = 0; i < kRows; ++i) sum[i] = loadAs<V>(out + (row + i) * width + column);
      for (int64_t j = 0; j < keys; ++j) {
        const V b = loadAs<V>(right + j * width + column);
        for (int64_t i = 0; i < kRows; ++i) sum[i] += b * w[i * stride + j];
      }
      for (int64_t i = 0; i < kRows; ++i) store(out + (row + i) * width + column, sum[i]);
    }
  }
}

template <typename V, int64_t kKeys>
TR0_INLINE void columnTile(const float* weights, int64_t stride, int64_t rows, const float* left,
                           int64_t width, float* out) {
  constexpr int64_t kLanes = laneCount<V>();
  for (int64_t column = 0; column < width; column += kLanes) {
    V sum[kKeys];
    for (int64_t k = 0; k < kKeys; ++k) sum[k] = loadAs<V>(out + k * width + column);
    for (int64_t i = 0; i < rows; ++i) {
      const V b = loadAs<V>(left + i * width + column);
      for (int64_t k = 0; k < kKeys; ++k) sum[k] += b * weights[i * stride + k];
    }
    for (int64_t k = 0; k < kKeys; ++k) store(out + k * width + column, sum[k]);
  }
}

template <typename V>
TR0_INLINE void accumulateColumnsBody(const float* weights, int64_t stride, int64_t rows, int64_t keys,
                                      const float* left, int64_t width, float* out) {
  int64_t j = 0;
  for (; j + kRows <= keys; j += kRows)
    columnTile<V, kRows>(weights + j, stride, rows, left, width, out + j * width);
  for (; j < keys; ++j) columnTile<V, 1>(weights + j, stride, rows, left, width, out + j * width);
}

template <typename V>
TR0_INLINE void softmaxRowBody(float* scores, int64_t count, float* logSumExp, float* inverseSum) {
  constexpr int64_t kLanes = laneCount<V>();
  V top = simd::splat<V>(-std::numeric_limits<float>::infinity());
  typename simd::LanesOf<V>::Int isNan{};
  for (int64_t i = 0; i < count; i += kLanes) {
    const V x = loadAs<V>(scores + i);
    isNan |= x != x;
    top = simd::maximum(x, top);
  }
  const float maximum = simd::maxLanes(top);
  bool valid = std::isfinite(maximum);
  for (int64_t lane = 0; lane < kLanes; ++lane) valid = valid && isNan[lane] == 0;
  V sum{};
  for (int64_t i = 0; i < count; i += kLanes) {
    const V e = simd::expNonPositive(loadAs<V>(scores + i) - maximum);
    sum += e;
    store(scores + i, e);
  }
  const float total = simd::sumLanes(sum);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  *logSumExp = valid ? maximum + std::log(total) : nan;
  *inverseSum = valid ? 1.0f / total : nan;
}

template <typename V>
TR0_INLINE void softmaxGradientRowBody(float* scores, float* dScores, int64_t count, float logSumExp,
                                       float delta) {
  constexpr int64_t kLanes = laneCount<V>();
  for (int64_t i = 0; i < count; i += kLanes) {
    const V probability = simd::expNonPositive(loadAs<V>(scores + i) - logSumExp);
    store(scores + i, probability);
    store(dScores + i, probability * (loadAs<V>(dScores + i) - delta));
  }
}

template <typename V>
TR0_INLINE void rowDotsBody(const float* left, const float* right, int64_t rows, int64_t width, float* dots) {
  constexpr int64_t kLanes = laneCount<V>();
  for (int64_t row = 0; row < rows; ++row) {
    V sum{};
    for (int64_t d = 0; d < width; d += kLanes)
      sum += loadAs<V>(left + row * width + d) * loadAs<V>(right + row * width + d);
    dots[row] = simd::sumLanes(sum);
  }
}

TR0_INLINE void packTileBody(const float* rows, int64_t stride, int64_t count, int64_t headDim, float factor,
                             float* tile) {
  // A 16 x 16 square at a time: rows are read in order and lanes written in order, the turn happens in the
  // first-level cache.
  for (int64_t first = 0; first < headDim; first += kTile) {
    const int64_t columns = std::min(kTile, headDim - first);
    float square[kTile][kTile] = {};
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t d = 0; d < columns; ++d) square[i][d] = rows[i * stride + first + d] * factor;
    }
    for (int64_t d = 0; d < columns; ++d) {
      for (int64_t i = 0; i < kTile; ++i) tile[(first + d) * kTile + i] = square[i][d];
    }
  }
}

}  // namespace

TR0_CPU_DISPATCH_LANES(multiplyTiles, multiplyTilesBody,
                       (const float* left, int64_t rows, int64_t width, const float* tiles, int64_t tileCount,
                        int64_t headDim, float* scores, int64_t stride),
                       (left, rows, width, tiles, tileCount, headDim, scores, stride))
TR0_CPU_DISPATCH_LANES(accumulateRows, accumulateRowsBody,
                       (const float* weights, int64_t stride, int64_t rows, int64_t keys, const float* right,
                        int64_t width, float* out),
                       (weights, stride, rows, keys, right, width, out))
TR0_CPU_DISPATCH_LANES(accumulateColumns, accumulateColumnsBody,
                       (const float* weights, int64_t stride, int64_t rows, int64_t keys, const float* left,
                        int64_t width, float* out),
                       (weights, stride, rows, keys, left, width, out))
TR0_CPU_DISPATCH_LANES(softmaxRow, softmaxRowBody,
                       (float* scores, int64_t count, float* logSumExp, float* inverseSum),
                       (scores, count, logSumExp, inverseSum))
TR0_CPU_DISPATCH_LANES(softmaxGradientRow, softmaxGradientRowBody,
                       (float* scores, float* dScores, int64_t count, float logSumExp, float delta),
                       (scores, dScores, count, logSumExp, delta))
TR0_CPU_DISPATCH_LANES(rowDots, rowDotsBody,
                       (const float* left, const float* right, int64_t rows, int64_t width, float* dots),
                       (left, right, rows, width, dots))
TR0_CPU_DISPATCH(packTile, packTileBody,
                 (const float* rows, int64_t stride, int64_t count, int64_t headDim, float factor,
                  float* tile),
                 (rows, stride, count, headDim, factor, tile))

}  // namespace toolr0::cpu
