#pragma once
#include <ATen/ATen.h>

namespace toolr0 {

// sum [out, in] fp32 += dyᵀ [out, T] · x [T, in]. With 16-bit factors the product is summed in fp32.
void addWeightGradient(at::Tensor& sum, const at::Tensor& dy, const at::Tensor& x);

// sum [out] fp32 += column sums of dy [T, out]; nothing when `sum` is undefined (no bias in this
// architecture).
void addBiasGradient(at::Tensor& sum, const at::Tensor& dy);

// sum[tokens[t]] += d[t] for sum [vocab, hidden] fp32, tokens [T] int64, d [T, hidden].
void addEmbeddingGradient(at::Tensor& sum, const at::Tensor& tokens, const at::Tensor& d);

}  // namespace toolr0
