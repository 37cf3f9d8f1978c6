#pragma once
// Pieces of a decoder layer shared by the inference pass and the training pass, so that both compute the same
// numbers.
#include <ATen/ATen.h>

#include "model/decoder.h"

namespace toolr0 {

// Rotated query and key and the value of one layer: [T, H, D], [T, Hkv, D], [T, Hkv, D]; possibly views of
// one buffer.
struct LayerProjections {
  at::Tensor query, key, value;
};

// Projects `normed` [T, hidden] to heads, applies q/k norm (Qwen3) and RoPE. What the backward pass of the
// q/k norm needs goes to `tape` unless that is null.
LayerProjections projectHeads(Model& model, const LayerWeights& layer, const at::Tensor& normed,
                              const at::Tensor& positions, LayerTape* tape);

// residual += x · weightᵀ (+ bias), in place: the residual addition rides on the matrix product.
void addProjection(at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                   const at::Tensor& bias);

}  // namespace toolr0
