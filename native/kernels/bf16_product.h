#pragma once
// Matrix products of bf16 factors with fp32 sums on the CPU's matrix tiles (AMX). libtorch's own product of
// bf16 matrices rounds its result to bf16, so that a gradient would be rounded before it is added to its fp32
// sum and logits would lose two decimals; widening both factors to fp32 costs a fifth of the speed or less.
#include <ATen/ATen.h>

namespace toolr0::cpu {

// sum [M, N] fp32 += aᵀ · b, for a [K, M] and b [K, N] bf16. `sum` is contiguous; a and b have contiguous
// rows. A gradient of a weight, for one: sum += dyᵀ · x. Only where hasAmx() (linear_bf16.h).
void addTransposedProduct(const at::Tensor& sum, const at::Tensor& a, const at::Tensor& b);

// out [M, N] fp32 = a · bᵀ, for a [M, K] and b [N, K] bf16, K a multiple of 32: a is repacked,
// b is read as it is. `out` and b are contiguous, a has contiguous rows. Without AMX slower than widening.
void productWithTransposed(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b);

}  // namespace toolr0::cpu
