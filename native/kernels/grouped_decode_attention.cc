#include "kernels/grouped_decode_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace toolr0 {

int64_t maxRowsPerRun(int64_t heads, int64_t kvHeads) {
  return std::max<int64_t>(1, 64 / (heads / kvHeads));
}

namespace {

constexpr int64_t kBlocks = 264;  // two per SM of an H100/H200
constexpr int64_t kMaxSplits = 32;

int64_t splitsFor(int64_t items) {
  return std::clamp<int64_t>((kBlocks + items - 1) / items, 1, kMaxSplits);
}

}  // namespace

DecodeSplits decodeSplits(int64_t rows, int64_t runs, int64_t kvHeads, int64_t rowsPerRun) {
  // At most half of a batch is padding, so `rows` lie in no fewer runs than this.
  const int64_t leastRuns = std::max<int64_t>(1, rows / (2 * rowsPerRun));
  return {splitsFor(rows * kvHeads), splitsFor(std::max(runs, leastRuns) * kvHeads)};
}

int64_t groupedDecodeScratch(int64_t rows, int64_t heads, int64_t kvHeads, int64_t headDim) {
  int64_t parts = 0;
  for (int64_t n = 1; n <= rows; ++n) {
    const DecodeSplits splits = decodeSplits(n, 1, kvHeads, maxRowsPerRun(heads, kvHeads));
    parts = std::max(parts, n * (splits.suffix + splits.prefix));
  }
  return parts * heads * (headDim + 2);
}

void groupedDecodeAttention(const GroupedDecodeInput& input, at::Tensor& out) {
#if TR0_WITH_CUDA
  if (out.is_cuda()) return cuda::groupedDecodeAttention(input, out);
#endif
  reference::groupedDecodeAttention(input, out);
}

namespace reference {
namespace {

// Attention of queries [rows, H, D] over the same tokens: out fp32 [rows, H, D] and log-sum-exp [rows, H].
struct Part {
  at::Tensor out, lse;
};
Part attend(const at::Tensor& query, const at::Tensor& keyPages, const at::Tensor& valuePages,
            const at::Tensor& table, int64_t length, double scale) {
  const int64_t kvHeads = keyPages.size(2), perKv = query.size(1) / kvHeads, headDim = query.size(2);
  const int64_t used = (length + keyPages.size(1) - 1) / keyPages.size(1);
  const at::Tensor index = table.narrow(0, 0, used).to(at::kLong);
  const auto gather = [&](const at::Tensor& pages) {  // [Hkv, 1, tokens, D]
    return pages.index_select(0, index)
        .to(at::kFloat)
        .reshape({-1, kvHeads, headDim})
        .narrow(0, 0, length)
        .permute({1, 0, 2})
        .unsqueeze(1);
  };
  const at::Tensor q = query.to(at::kFloat).reshape({-1, kvHeads, perKv, headDim}).permute({1, 0, 2, 3});
  const at::Tensor scores =
      at::matmul(q, gather(keyPages).transpose(2, 3)).mul_(scale);  // [Hkv, rows, g, tokens]
  const auto back = [&](const at::Tensor& t) {
    return t.permute({1, 0, 2, 3}).reshape({query.size(0), -1, t.size(3)});
  };
  return {back(at::matmul(at::softmax(scores, -1), gather(valuePages))),
          back(at::logsumexp(scores, {-1}, /*keepdim=*/true)).squeeze(-1)};
}

}  // namespace

void groupedDecodeAttention(const GroupedDecodeInput& input, at::Tensor& out) {
  const DecodeAttentionInput& in = input.rows;
  const at::Tensor host = at::stack({input.runStart, input.runCount}).to(at::kCPU).contiguous();
  const at::Tensor own = in.suffixLength.to(at::kCPU).contiguous(),
                   prompt = in.prefixIndex.to(at::kCPU).contiguous(),
                   shared = in.prefixLength.to(at::kCPU).contiguous();
  const auto int32 = [](const at::Tensor& t) { return t.const_data_ptr<int32_t>(); };
  const int64_t rows = in.query.size(0), runs = input.runStart.size(0);
  std::vector<Part> prefix(rows);
  for (int64_t run = 0; run < runs; ++run) {
    const int32_t start = int32(host)[run], count = int32(host)[runs + run];
    if (count == 0) continue;
    const int32_t which = int32(prompt)[start];
    const Part part = attend(in.query.narrow(0, start, count), in.keyPages, in.valuePages,
                             in.prefixTable[which], int32(shared)[which], in.scale);
    for (int32_t i = 0; i < count; ++i) prefix[start + i] = {part.out[i], part.lse[i]};
  }
  for (int64_t row = 0; row < rows; ++row) {
    const Part part = attend(in.query.narrow(0, row, 1), in.keyPages, in.valuePages, in.suffixTable[row],
                             int32(own)[row], in.scale);
    at::Tensor mixed = part.out[0];
    if (prefix[row].out.defined()) {
      const at::Tensor total = at::logaddexp(part.lse[0], prefix[row].lse);
      mixed = mixed * (part.lse[0] - total).exp().unsqueeze(-1) +
              prefix[row].out * (prefix[row].lse - total).exp().unsqueeze(-1);
    }
    out[row].copy_(mixed);
  }
}

}  // namespace reference
}  // namespace toolr0
