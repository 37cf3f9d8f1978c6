#include "kernels/packed_attention_loops.h"

#include <cmath>
#include <limits>

#include "kernels/cpu_simd.h"

namespace toolr0::cpu {
namespace {

using simd::F16;
using simd::I16;
using simd::load;
using simd::store;
constexpr int64_t kLanes = simd::kLanes;
constexpr int64_t kRows =
    6;  // accumulators of a register tile: what sixteen AVX2 registers hold, two per sixteen lanes

TR0_INLINE void multiplyTilesBody(const float* left, int64_t rows, int64_t width, const float* tiles,
                                  int64_t tileCount, int64_t headDim, float* scores, int64_t stride) {
  for (int64_t tile = 0; tile < tileCount; ++tile) {
    const float* right = tiles + tile * headDim * kLanes;
    for (int64_t row = 0; row < rows; row += kRows) {
      const float* a = left + row * width;
      F16 sum[kRows] = {};
      for (int64_t d = 0; d < headDim; ++d) {
        const F16 b = load(right + d * kLanes);
        for (int64_t i = 0; i < kRows; ++i) sum[i] += b * a[i * width + d];
      }
      for (int64_t i = 0; i < kRows; ++i) store(scores + (row + i) * stride + tile * kLanes, sum[i]);
    }
  }
}

TR0_INLINE void accumulateRowsBody(const float* weights, int64_t stride, int64_t rows, int64_t keys,
                                   const float* right, int64_t width, float* out) {
  for (int64_t row = 0; row < rows; row += kRows) {
    const float* w = weights + row * stride;
    for (int64_t column = 0; column < width; column += kLanes) {
      F16 sum[kRows];
      for (int64_t i = 0; i < kRows; ++i) sum[i] = load(out + (row + i) * width + column);
      for (int64_t j = 0; j < keys; ++j) {
        const F16 b = load(right + j * width + column);
        for (int64_t i = 0; i < kRows; ++i) sum[i] += b * w[i * stride + j];
      }
      for (int64_t i = 0; i < kRows; ++i) store(out + (row + i) * width + column, sum[i]);
    }
  }
}

template <int64_t kKeys>
TR0_INLINE void columnTile(const float* weights, int64_t stride, int64_t rows, const float* left,
                           int64_t width, float* out) {
  for (int64_t column = 0; column < width; column += kLanes) {
    F16 sum[kKeys];
    for (int64_t k = 0; k < kKeys; ++k) sum[k] = load(out + k * width + column);
    for (int64_t i = 0; i < rows; ++i) {
      const F16 b = load(left + i * width + column);
      for (int64_t k = 0; k < kKeys; ++k) sum[k] += b * weights[i * stride + k];
    }
    for (int64_t k = 0; k < kKeys; ++k) store(out + k * width + column, sum[k]);
  }
}

TR0_INLINE void accumulateColumnsBody(const float* weights, int64_t stride, int64_t rows, int64_t keys,
                                      const float* left, int64_t width, float* out) {
  int64_t j = 0;
  for (; j + kRows <= keys; j += kRows)
    columnTile<kRows>(weights + j, stride, rows, left, width, out + j * width);
  for (; j < keys; ++j) columnTile<1>(weights + j, stride, rows, left, width, out + j * width);
}

TR0_INLINE void softmaxRowBody(float* scores, int64_t count, float* logSumExp, float* inverseSum) {
  F16 top = simd::splat(-std::numeric_limits<float>::infinity());
  I16 isNan{};
  for (int64_t i = 0; i < count; i += kLanes) {
    const F16 x = load(scores + i);
    isNan |= x != x;
    top = simd::maximum(x, top);
  }
  const float maximum = simd::maxLanes(top);
  bool valid = std::isfinite(maximum);
  for (int64_t lane = 0; lane < kLanes; ++lane) valid = valid && isNan[lane] == 0;
  F16 sum{};
  for (int64_t i = 0; i < count; i += kLanes) {
    const F16 e = simd::expNonPositive(load(scores + i) - maximum);
    sum += e;
    store(scores + i, e);
  }
  const float total = simd::sumLanes(sum);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  *logSumExp = valid ? maximum + std::log(total) : nan;
  *inverseSum = valid ? 1.0f / total : nan;
}

TR0_INLINE void softmaxGradientRowBody(float* scores, float* dScores, int64_t count, float logSumExp,
                                       float delta) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const F16 probability = simd::expNonPositive(load(scores + i) - logSumExp);
    store(scores + i, probability);
    store(dScores + i, probability * (load(dScores + i) - delta));
  }
}

TR0_INLINE void rowDotsBody(const float* left, const float* right, int64_t rows, int64_t width, float* dots) {
  for (int64_t row = 0; row < rows; ++row) {
    F16 sum{};
    for (int64_t d = 0; d < width; d += kLanes)
      sum += load(left + row * width + d) * load(right + row * width + d);
    dots[row] = simd::sumLanes(sum);
  }
}

TR0_INLINE void packTileBody(const float* rows, int64_t stride, int64_t count, int64_t headDim, float factor,
                             float* tile) {
  if (count < kLanes) {
    for (int64_t d = 0; d < headDim; ++d) {
      for (int64_t i = 0; i < kLanes; ++i)
        tile[d * kLanes + i] = i < count ? rows[i * stride + d] * factor : 0.0f;
    }
    return;
  }
  // A 16 x 16 square at a time: whole vectors are read and written, the turn happens in the first-level
  // cache.
  int64_t d = 0;
  for (; d + kLanes <= headDim; d += kLanes) {
    float square[kLanes][kLanes];
    for (int64_t i = 0; i < kLanes; ++i) store(square[i], load(rows + i * stride + d) * factor);
    for (int64_t k = 0; k < kLanes; ++k) {
      for (int64_t i = 0; i < kLanes; ++i) tile[(d + k) * kLanes + i] = square[i][k];
    }
  }
  for (; d < headDim; ++d) {
    for (int64_t i = 0; i < kLanes; ++i) tile[d * kLanes + i] = rows[i * stride + d] * factor;
  }
}

}  // namespace

TR0_CPU_DISPATCH(multiplyTiles, multiplyTilesBody,
                 (const float* left, int64_t rows, int64_t width, const float* tiles, int64_t tileCount,
                  int64_t headDim, float* scores, int64_t stride),
                 (left, rows, width, tiles, tileCount, headDim, scores, stride))
TR0_CPU_DISPATCH(accumulateRows, accumulateRowsBody,
                 (const float* weights, int64_t stride, int64_t rows, int64_t keys, const float* right,
                  int64_t width, float* out),
                 (weights, stride, rows, keys, right, width, out))
TR0_CPU_DISPATCH(accumulateColumns, accumulateColumnsBody,
                 (const float* weights, int64_t stride, int64_t rows, int64_t keys, const float* left,
                  int64_t width, float* out),
                 (weights, stride, rows, keys, left, width, out))
TR0_CPU_DISPATCH(softmaxRow, softmaxRowBody,
                 (float* scores, int64_t count, float* logSumExp, float* inverseSum),
                 (scores, count, logSumExp, inverseSum))
TR0_CPU_DISPATCH(softmaxGradientRow, softmaxGradientRowBody,
                 (float* scores, float* dScores, int64_t count, float logSumExp, float delta),
                 (scores, dScores, count, logSumExp, delta))
TR0_CPU_DISPATCH(rowDots, rowDotsBody,
                 (const float* left, const float* right, int64_t rows, int64_t width, float* dots),
                 (left, right, rows, width, dots))
TR0_CPU_DISPATCH(packTile, packTileBody,
                 (const float* rows, int64_t stride, int64_t count, int64_t headDim, float factor,
                  float* tile),
                 (rows, stride, count, headDim, factor, tile))

}  // namespace toolr0::cpu
