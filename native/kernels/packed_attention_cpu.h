#pragma once
#include "kernels/packed_attention.h"

namespace toolr0::cpu {
// The signatures and meaning of packed_attention.h, for CPU tensors in fp32 or bf16.
at::Tensor packedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::vector<Segment>& segments, double scale, at::Tensor& lse);
void packedAttentionBackward(const at::Tensor& dOut, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& out, const at::Tensor& lse,
                             const std::vector<Segment>& segments, double scale, at::Tensor& dQuery,
                             at::Tensor& dKey, at::Tensor& dValue);
}  // namespace toolr0::cpu
