#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "model/packed_batch.h"

namespace toolr0 {
// Exact softmax attention over a packed batch: each token sees its segment causally plus its segment's whole
// prefix. query [T,H,D], key/value [T,Hkv,D] (grouped-query: head h reads kv head h / (H/Hkv)), fp32 or bf16,
// the last dimension contiguous, other strides free; scale is usually 1/sqrt(D). Returns [T,H,D]; `lse`
// receives [T,H] fp32 (log-sum-exp of the scaled scores). Scores and softmax are fp32.
at::Tensor packedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::vector<Segment>& segments, double scale, at::Tensor& lse);
// Gradients of the above, given its output and lse; each has its input's shape and dtype. A gradient tensor
// that comes in defined is written in place (views into one fused buffer avoid a concatenation); an undefined
// one is allocated.
void packedAttentionBackward(const at::Tensor& dOut, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& out, const at::Tensor& lse,
                             const std::vector<Segment>& segments, double scale, at::Tensor& dQuery,
                             at::Tensor& dKey, at::Tensor& dValue);
namespace reference {
at::Tensor packedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::vector<Segment>& segments, double scale, at::Tensor& lse);
void packedAttentionBackward(const at::Tensor& dOut, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& out, const at::Tensor& lse,
                             const std::vector<Segment>& segments, double scale, at::Tensor& dQuery,
                             at::Tensor& dKey, at::Tensor& dValue);
}  // namespace reference
}  // namespace toolr0
