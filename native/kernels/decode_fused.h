#pragma once
#include <ATen/ATen.h>

namespace toolr0 {
// The memory-bound parts of a decode step between its matrix products, each one kernel on CUDA. All write
// into tensors that are given, so that a captured graph finds them again. fp32 or bf16; statistics in fp32;
// rounded where rms_norm.h, rope.h and swiglu.h round.

// x = embedding[tokens], normed = rmsNorm(x) · weight. tokens [B] int64; embedding [vocab, n]; x, normed [B,
// n].
void embedRmsNorm(const at::Tensor& tokens, const at::Tensor& embedding, const at::Tensor& weight, double eps,
                  at::Tensor& x, at::Tensor& normed);

// normed = rmsNorm(x) · weight. (The residual addition rides on the matrix product that comes before.)
void rmsNormInto(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& normed);

// qkv [B, (H + 2 Hkv) D], a row holding query, key and value heads. Queries are normalised (where queryNorm
// [D] is defined) and rotated in place; keys likewise and written, with the values, to slot page * pageSize +
// offset of keyPages, valuePages [pages, pageSize, Hkv, D]. positions, slots [B] int64; cos, sin
// [maxPosition, D/2] fp32.
struct RopeStoreInput {
  at::Tensor positions, slots, cos, sin, queryNorm, keyNorm, keyPages, valuePages;
  double eps = 1e-6;
};
void ropeAndStore(at::Tensor& qkv, const RopeStoreInput& input);

// gateUp [B, 2n] → silu(gate) · up in out [B, n].
void swigluInto(const at::Tensor& gateUp, at::Tensor& out);

namespace reference {
void embedRmsNorm(const at::Tensor& tokens, const at::Tensor& embedding, const at::Tensor& weight, double eps,
                  at::Tensor& x, at::Tensor& normed);
void rmsNormInto(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& normed);
void ropeAndStore(at::Tensor& qkv, const RopeStoreInput& input);
void swigluInto(const at::Tensor& gateUp, at::Tensor& out);
}  // namespace reference
namespace cuda {  // only in builds with TR0_WITH_CUDA
void embedRmsNorm(const at::Tensor& tokens, const at::Tensor& embedding, const at::Tensor& weight, double eps,
                  at::Tensor& x, at::Tensor& normed);
void rmsNormInto(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& normed);
void ropeAndStore(at::Tensor& qkv, const RopeStoreInput& input);
void swigluInto(const at::Tensor& gateUp, at::Tensor& out);
}  // namespace cuda
}  // namespace toolr0
