#pragma once
#include <ATen/ATen.h>

namespace toolr0 {
// One query token per live sequence against paged keys/values: its prompt's pages (shared by the group) and
// its own.
struct DecodeAttentionInput {
  at::Tensor query;         // [B, H, D]
  at::Tensor keyPages;      // [pages, pageSize, Hkv, D] one layer's pool
  at::Tensor valuePages;    // same
  at::Tensor prefixIndex;   // [B] int32: row of prefixTable
  at::Tensor prefixTable;   // [P, maxPrefixPages] int32 page ids
  at::Tensor prefixLength;  // [P] int32 tokens
  at::Tensor suffixTable;   // [B, maxSuffixPages] int32 page ids
  at::Tensor suffixLength;  // [B] int32 tokens, the current one included (already written to its page)
  double scale = 1.0;
};
// → [B, H, D] in query's dtype; scores and accumulation in fp32, exact softmax.
at::Tensor decodeAttention(const DecodeAttentionInput& input);
namespace reference {
at::Tensor decodeAttention(const DecodeAttentionInput& input);
}
namespace cuda {  // only in builds with TR0_WITH_CUDA
at::Tensor decodeAttention(const DecodeAttentionInput& input);
// query may be strided by row; out [B, H, D] and everything else contiguous. Allocates nothing.
void decodeAttentionInto(const DecodeAttentionInput& input, at::Tensor& out);
}  // namespace cuda
}  // namespace toolr0
