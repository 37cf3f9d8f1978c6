#include "kernels/packed_attention.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "kernels/packed_attention_cpu.h"
#include "kernels/packed_attention_varlen.h"

namespace toolr0 {
namespace {

// Rows of scores held at a time: bounds memory to [heads, kRowBlock, keys] for segments of any length.
constexpr int64_t kRowBlock = 512;

// Keys (or values) a segment sees, as fp32 [Hkv, keys, D]: its prefix, then its own first `ownCount` tokens.
at::Tensor visible(const at::Tensor& x, const std::vector<Segment>& segments, const Segment& segment,
                   int64_t ownCount) {
  at::Tensor rows = x.narrow(0, segment.begin, ownCount);
  if (segment.prefix >= 0) {
    const Segment& prefix = segments[static_cast<size_t>(segment.prefix)];
    rows = at::cat({x.narrow(0, prefix.begin, prefix.length), rows}, 0);
  }
  return rows.transpose(0, 1).to(at::kFloat);
}

// Query-like rows [begin, begin+count) as fp32 [Hkv, group*count, D].
at::Tensor grouped(const at::Tensor& x, int64_t begin, int64_t count, int64_t keyHeads) {
  const int64_t heads = x.size(1), headDim = x.size(2);
  return x.narrow(0, begin, count)
      .transpose(0, 1)
      .to(at::kFloat)
      .reshape({keyHeads, heads / keyHeads * count, headDim});
}

// The inverse of `grouped`: [Hkv, group*count, D] → [count, H, D].
at::Tensor ungrouped(const at::Tensor& x, int64_t heads, int64_t count) {
  return x.reshape({heads, count, x.size(-1)}).transpose(0, 1);
}

// True where row r of the block must not see own key c: [count, keys], the prefix part all false.
at::Tensor futureMask(int64_t prefixLength, int64_t firstRow, int64_t count, at::Device device) {
  const at::TensorOptions options = at::TensorOptions().device(device).dtype(at::kLong);
  const at::Tensor rows = at::arange(firstRow, firstRow + count, options).unsqueeze(1) + prefixLength;
  return at::arange(prefixLength + firstRow + count, options).unsqueeze(0) > rows;
}

struct RowBlock {
  const Segment& segment;
  int64_t prefixLength, firstRow, count;
  int64_t begin() const { return segment.begin + firstRow; }
  int64_t ownKeys() const { return firstRow + count; }
};

void forEachRowBlock(const std::vector<Segment>& segments, const std::function<void(const RowBlock&)>& fn) {
  for (const Segment& segment : segments) {
    const int64_t prefixLength =
        segment.prefix < 0 ? 0 : segments[static_cast<size_t>(segment.prefix)].length;
    for (int64_t row = 0; row < segment.length; row += kRowBlock) {
      fn({segment, prefixLength, row, std::min(kRowBlock, segment.length - row)});
    }
  }
}

// Masked scaled scores [Hkv, group*count, keys] fp32.
at::Tensor blockScores(const at::Tensor& q, const at::Tensor& k, const RowBlock& block, double scale) {
  at::Tensor scores = at::bmm(q, k.transpose(1, 2)).mul_(scale);
  const at::Tensor mask = futureMask(block.prefixLength, block.firstRow, block.count, scores.device());
  scores.view({scores.size(0), -1, block.count, k.size(1)})
      .masked_fill_(mask, -std::numeric_limits<float>::infinity());
  return scores;
}

}  // namespace

namespace reference {

at::Tensor packedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::vector<Segment>& segments, double scale, at::Tensor& lse) {
  const int64_t heads = query.size(1), keyHeads = key.size(1);
  at::Tensor out = at::zeros(query.sizes(), query.options());
  lse = at::zeros({query.size(0), heads}, query.options().dtype(at::kFloat));
  forEachRowBlock(segments, [&](const RowBlock& block) {
    const at::Tensor q = grouped(query, block.begin(), block.count, keyHeads);
    const at::Tensor k = visible(key, segments, block.segment, block.ownKeys());
    const at::Tensor v = visible(value, segments, block.segment, block.ownKeys());
    at::Tensor scores = blockScores(q, k, block, scale);
    const at::Tensor blockLse = scores.logsumexp({-1}, /*keepdim=*/true);
    const at::Tensor probabilities = scores.sub_(blockLse).exp_();
    out.narrow(0, block.begin(), block.count).copy_(ungrouped(at::bmm(probabilities, v), heads, block.count));
    lse.narrow(0, block.begin(), block.count).copy_(blockLse.reshape({heads, block.count}).t());
  });
  return out;
}

void packedAttentionBackward(const at::Tensor& dOut, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& out, const at::Tensor& lse,
                             const std::vector<Segment>& segments, double scale, at::Tensor& dQuery,
                             at::Tensor& dKey, at::Tensor& dValue) {
  const int64_t heads = query.size(1), keyHeads = key.size(1);
  if (!dQuery.defined()) dQuery = at::empty_like(query, at::MemoryFormat::Contiguous);
  if (!dKey.defined()) dKey = at::empty_like(key, at::MemoryFormat::Contiguous);
  if (!dValue.defined()) dValue = at::empty_like(value, at::MemoryFormat::Contiguous);
  dQuery.zero_();
  // Keys of a prefix collect from every segment that sees them, so their sums are kept in fp32.
  at::Tensor dKeySum = at::zeros(key.sizes(), key.options().dtype(at::kFloat));
  at::Tensor dValueSum = at::zeros(value.sizes(), value.options().dtype(at::kFloat));
  const auto addVisible = [&](at::Tensor& sum, const at::Tensor& d, const RowBlock& block) {
    const at::Tensor rows = d.transpose(0, 1);  // [keys, Hkv, D]
    if (block.prefixLength > 0) {
      const Segment& prefix = segments[static_cast<size_t>(block.segment.prefix)];
      sum.narrow(0, prefix.begin, prefix.length).add_(rows.narrow(0, 0, prefix.length));
    }
    sum.narrow(0, block.segment.begin, block.ownKeys())
        .add_(rows.narrow(0, block.prefixLength, block.ownKeys()));
  };
  forEachRowBlock(segments, [&](const RowBlock& block) {
    const at::Tensor q = grouped(query, block.begin(), block.count, keyHeads);
    const at::Tensor k = visible(key, segments, block.segment, block.ownKeys());
    const at::Tensor v = visible(value, segments, block.segment, block.ownKeys());
    const at::Tensor d = grouped(dOut, block.begin(), block.count, keyHeads);
    const at::Tensor o = grouped(out, block.begin(), block.count, keyHeads);
    const at::Tensor blockLse =
        lse.narrow(0, block.begin(), block.count).t().reshape({keyHeads, heads / keyHeads * block.count, 1});
    const at::Tensor probabilities = blockScores(q, k, block, scale).sub_(blockLse).exp_();
    const at::Tensor delta = (d * o).sum(-1, /*keepdim=*/true);
    const at::Tensor dScores = at::bmm(d, v.transpose(1, 2)).sub_(delta).mul_(probabilities).mul_(scale);
    dQuery.narrow(0, block.begin(), block.count).copy_(ungrouped(at::bmm(dScores, k), heads, block.count));
    addVisible(dKeySum, at::bmm(dScores.transpose(1, 2), q), block);
    addVisible(dValueSum, at::bmm(probabilities.transpose(1, 2), d), block);
  });
  dKey.copy_(dKeySum);
  dValue.copy_(dValueSum);
}

}  // namespace reference

namespace {

// Rows outside every segment would stay unwritten, rows outside the batch would be written.
void checkSegments(const std::vector<Segment>& segments, int64_t tokens) {
  int64_t covered = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    TORCH_CHECK(segment.begin >= 0 && segment.length >= 0 && segment.begin + segment.length <= tokens,
                "packedAttention: segment ", i, " lies outside the batch of ", tokens, " tokens");
    TORCH_CHECK(segment.prefix < 0 || (segment.prefix < static_cast<int32_t>(i) &&
                                       segments[static_cast<size_t>(segment.prefix)].prefix < 0),
                "packedAttention: the prefix of segment ", i, " is not an earlier segment without a prefix");
    covered += segment.length;
  }
  TORCH_CHECK(covered == tokens, "packedAttention: segments hold ", covered, " tokens, the batch ", tokens);
}

bool suitsCpuPath(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace

at::Tensor packedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::vector<Segment>& segments, double scale, at::Tensor& lse) {
  checkSegments(segments, query.size(0));
  if (suitsCpuPath(query)) return cpu::packedAttention(query, key, value, segments, scale, lse);
  if (suitsFlash(query, segments))
    return varlenAttention(flashKernel(), query, key, value, segments, scale, lse);
  return reference::packedAttention(query, key, value, segments, scale, lse);
}

void packedAttentionBackward(const at::Tensor& dOut, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& out, const at::Tensor& lse,
                             const std::vector<Segment>& segments, double scale, at::Tensor& dQuery,
                             at::Tensor& dKey, at::Tensor& dValue) {
  checkSegments(segments, query.size(0));
  if (suitsCpuPath(query)) {
    cpu::packedAttentionBackward(dOut, query, key, value, out, lse, segments, scale, dQuery, dKey, dValue);
  } else if (suitsFlash(query, segments)) {
    varlenAttentionBackward(flashKernel(), dOut, query, key, value, out, lse, segments, scale, dQuery, dKey,
                            dValue);
  } else {
    reference::packedAttentionBackward(dOut, query, key, value, out, lse, segments, scale, dQuery, dKey,
                                       dValue);
  }
}

}  // namespace toolr0
