#pragma once
// Packed attention put together from a variable-length attention kernel (FlashAttention) that knows sequences
// back to back but no shared prefixes: one causal call over all segments, one full call of [all completions
// of a group] x [its prefix], merged by their log-sum-exps. The backward pass calls the kernel's backward for
// both parts with the merged output and log-sum-exp, which makes each part's probabilities those of the whole
// row (as ring attention does).
#include <functional>
#include <tuple>

#include "kernels/packed_attention.h"

namespace toolr0 {

// Sequences of one call: query rows [queryOffsets[i], queryOffsets[i+1]) see keys [keyOffsets[i],
// keyOffsets[i+1]).
struct VarlenCall {
  at::Tensor queryOffsets, keyOffsets;  // [sequences + 1] int32 on the tensors' device
  int64_t longestQuery = 0, longestKey = 0;
  bool causal = false;
  double scale = 1.0;
};

struct VarlenKernel {
  // (query [q,H,D], key [k,Hkv,D], value) → (out [q,H,D], log-sum-exp [H,q] fp32)
  std::function<std::tuple<at::Tensor, at::Tensor>(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                                   const VarlenCall&)>
      forward;
  // (dOut, query, key, value, out, log-sum-exp [H,q]) → (dQuery, dKey, dValue)
  std::function<std::tuple<at::Tensor, at::Tensor, at::Tensor>(
      const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
      const at::Tensor&, const VarlenCall&)>
      backward;
};

// at::_flash_attention_forward/backward.
VarlenKernel flashKernel();

// Whether FlashAttention takes these tensors (CUDA, 16 bits, head size a multiple of 8 up to 256) and the
// segments lie back to back without empty ones.
bool suitsFlash(const at::Tensor& query, const std::vector<Segment>& segments);

// The signatures and meaning of packed_attention.h.
at::Tensor varlenAttention(const VarlenKernel& kernel, const at::Tensor& query, const at::Tensor& key,
                           const at::Tensor& value, const std::vector<Segment>& segments, double scale,
                           at::Tensor& lse);
void varlenAttentionBackward(const VarlenKernel& kernel, const at::Tensor& dOut, const at::Tensor& query,
                             const at::Tensor& key, const at::Tensor& value, const at::Tensor& out,
                             const at::Tensor& lse, const std::vector<Segment>& segments, double scale,
                             at::Tensor& dQuery, at::Tensor& dKey, at::Tensor& dValue);

}  // namespace toolr0
