#pragma once
// The inner loops of packed attention on the CPU, each compiled for every instruction set
// (packed_attention_loops.cc). `width` is the padded head dimension; `rows` counts rows in use, and row
// buffers are readable up to a multiple of six.
#include <cstdint>

namespace toolr0::cpu {

// scores[i][t*16 + lane] = sum_d left[i][d] * tiles[t][d][lane] for i < rows (rounded up to six).
void multiplyTiles(const float* left, int64_t rows, int64_t width, const float* tiles, int64_t tileCount,
                   int64_t headDim, float* scores, int64_t stride);

// out[i][:] += sum_{j < keys} weights[i][j] * right[j][:] for i < rows (rounded up to six).
void accumulateRows(const float* weights, int64_t stride, int64_t rows, int64_t keys, const float* right,
                    int64_t width, float* out);

// out[j][:] += sum_{i < rows} weights[i][j] * left[i][:] for j < keys.
void accumulateColumns(const float* weights, int64_t stride, int64_t rows, int64_t keys, const float* left,
                       int64_t width, float* out);

// One row of scores (count a multiple of 16, -inf where masked) becomes e^(score - maximum); returns
// log-sum-exp and 1/sum through the pointers, NaN when a score is NaN or +inf.
void softmaxRow(float* scores, int64_t count, float* logSumExp, float* inverseSum);

// scores → probabilities e^(score - lse); dScores (holding dOut·valueᵀ) → probability * (dScore - delta).
void softmaxGradientRow(float* scores, float* dScores, int64_t count, float logSumExp, float delta);

// dots[i] = sum_d left[i][d] * right[i][d] for i < rows.
void rowDots(const float* left, const float* right, int64_t rows, int64_t width, float* dots);

// `count` ≤ 16 rows of headDim floats, `stride` apart, times `factor` → one tile [headDim, 16]; missing rows
// become zero.
void packTile(const float* rows, int64_t stride, int64_t count, int64_t headDim, float factor, float* tile);

}  // namespace toolr0::cpu
