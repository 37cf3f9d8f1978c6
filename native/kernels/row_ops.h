#pragma once
// Single-threaded pieces of a decoder layer on bare rows, for code that divides the work itself. The same
// loops as rmsNorm and ropeInPlace.
#include <c10/util/BFloat16.h>

#include <cstdint>

namespace toolr0::cpu {

// y = x / sqrt(mean(x²) + eps) * weight for `rows` adjacent rows of n elements.
void rmsNormRows(const float* x, const float* weight, float eps, float* y, int64_t rows, int64_t n);
void rmsNormRows(const c10::BFloat16* x, const c10::BFloat16* weight, float eps, c10::BFloat16* y,
                 int64_t rows, int64_t n);

// Rotates `heads` adjacent vectors of 2 * half elements by one position's angles (cosine, sine [half]).
void rotateHeads(float* x, int64_t heads, const float* cosine, const float* sine, int64_t half);
void rotateHeads(c10::BFloat16* x, int64_t heads, const float* cosine, const float* sine, int64_t half);

}  // namespace toolr0::cpu
