#pragma once
#include "kernels/decode_attention.h"

namespace toolr0 {
// Decode attention for a batch whose rows come in runs that share a prompt: each run's prompt is read once
// for all its rows. Rows outside every run (padding) have no prefix (prefixLength 0).
struct GroupedDecodeInput {
  DecodeAttentionInput rows;  // query [B, H, D] may be strided by row: the query part of a fused qkv buffer
  at::Tensor runStart, runCount;  // [R] int32: rows [start, start + count) share their prefix; count 0 = none
  at::Tensor scratch;             // fp32, groupedDecodeScratch() elements
  at::Tensor arrived;             // int32, rows * kvHeads zeros; zero again afterwards
};

// Rows of one run at most, so that its queries of one kv head fit one tile of tensor-core rows.
int64_t maxRowsPerRun(int64_t heads, int64_t kvHeads);

// How many blocks share the tokens of one row's own pages and of one run's prompt, so that even a small batch
// occupies a whole device.
struct DecodeSplits {
  int64_t suffix = 1, prefix = 1;
};
DecodeSplits decodeSplits(int64_t rows, int64_t runs, int64_t kvHeads, int64_t rowsPerRun);

// Elements of the fp32 scratch for batches up to `rows`: the parts that are merged.
int64_t groupedDecodeScratch(int64_t rows, int64_t heads, int64_t kvHeads, int64_t headDim);

// out [B, H, D] in query's dtype; exact softmax in fp32.
void groupedDecodeAttention(const GroupedDecodeInput& input, at::Tensor& out);
namespace reference {
void groupedDecodeAttention(const GroupedDecodeInput& input, at::Tensor& out);
}
namespace cuda {  // only in builds with TR0_WITH_CUDA
void groupedDecodeAttention(const GroupedDecodeInput& input, at::Tensor& out);
}
}  // namespace toolr0
