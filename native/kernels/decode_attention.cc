#include "kernels/decode_attention.h"

#include <limits>

namespace toolr0 {
#if TR0_WITH_CUDA
namespace cuda {
at::Tensor decodeAttention(const DecodeAttentionInput& input);
}
#endif
namespace cpu {
at::Tensor decodeAttention(const DecodeAttentionInput& input);
}

at::Tensor decodeAttention(const DecodeAttentionInput& input) {
  TORCH_CHECK(input.query.size(1) % input.keyPages.size(2) == 0,
              "query heads must be a multiple of key/value heads");
#if TR0_WITH_CUDA
  if (input.query.is_cuda()) return cuda::decodeAttention(input);
#endif
  const at::ScalarType dtype = input.query.scalar_type();
  const bool handWritten = input.query.is_cpu() && (dtype == at::kFloat || dtype == at::kBFloat16) &&
                           input.keyPages.scalar_type() == dtype && input.valuePages.scalar_type() == dtype &&
                           input.keyPages.is_contiguous() && input.valuePages.is_contiguous();
  return handWritten ? cpu::decodeAttention(input) : reference::decodeAttention(input);
}

namespace reference {
namespace {
// The tokens a page table row stands for: [B, maxPages * pageSize, Hkv, D] fp32, and which of them exist.
at::Tensor gatherPages(const at::Tensor& pages, const at::Tensor& table) {
  const int64_t rows = table.size(0), perRow = table.size(1) * pages.size(1);
  // Unused table entries may hold any number; their tokens are masked out.
  const at::Tensor index = table.to(at::kLong).clamp(0, pages.size(0) - 1).reshape({-1});
  return pages.index_select(0, index).reshape({rows, perRow, pages.size(2), pages.size(3)}).to(at::kFloat);
}
at::Tensor existing(const at::Tensor& length, int64_t columns) {
  return at::arange(columns, length.options()).unsqueeze(0).lt(length.unsqueeze(1));  // [B, columns]
}
}  // namespace

at::Tensor decodeAttention(const DecodeAttentionInput& input) {
  const int64_t batch = input.query.size(0), heads = input.query.size(1), headDim = input.query.size(2);
  const int64_t kvHeads = input.keyPages.size(2), perKv = heads / kvHeads;
  const at::Tensor prefix = input.prefixIndex.to(at::kLong);
  const at::Tensor prefixTable = input.prefixTable.index_select(0, prefix);
  const at::Tensor mask = at::cat(
      {existing(input.prefixLength.index_select(0, prefix), prefixTable.size(1) * input.keyPages.size(1)),
       existing(input.suffixLength, input.suffixTable.size(1) * input.keyPages.size(1))},
      1);  // [B, tokens]
  const auto gather = [&](const at::Tensor& pages) {
    const at::Tensor tokens = at::cat(
        {gatherPages(pages, prefixTable), gatherPages(pages, input.suffixTable)}, 1);  // [B, tokens, Hkv, D]
    return tokens.masked_fill(mask.logical_not().unsqueeze(-1).unsqueeze(-1), 0.0).permute({0, 2, 1, 3});
  };
  const at::Tensor query = input.query.to(at::kFloat).reshape({batch, kvHeads, perKv, headDim});
  at::Tensor scores =
      at::matmul(query, gather(input.keyPages).transpose(2, 3)).mul_(input.scale);  // [B, Hkv, g, tokens]
  scores = scores.masked_fill(mask.logical_not().unsqueeze(1).unsqueeze(1),
                              -std::numeric_limits<float>::infinity());
  const at::Tensor out = at::matmul(at::softmax(scores, -1), gather(input.valuePages));
  return out.reshape({batch, heads, headDim}).to(input.query.scalar_type());
}
}  // namespace reference
}  // namespace toolr0
