// Packed attention on the CPU. Segments of tens of tokens make library matrix products overhead, so a block
// of 24 query rows is taken at a time through scores, softmax and weighted values with register-tiled loops;
// its scores against prefix and own keys (24 rows, never segment x segment) are the only temporary.
#include "kernels/packed_attention_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/packed_attention_loops.h"
#include "kernels/packed_attention_plan.h"

namespace toolr0::cpu {
namespace {

at::Tensor rowsOf(const at::Tensor& x) {
  const at::Tensor wide = x.to(at::kFloat);
  return wide.stride(-1) == 1 ? wide : wide.contiguous();
}

// Per-thread buffers; `at` hands out 64-byte aligned pieces.
class Scratch {
 public:
  explicit Scratch(int64_t floats) : buffer_(static_cast<size_t>(floats + 256), 0.0f) {
    const auto address = reinterpret_cast<uintptr_t>(buffer_.data());
    next_ = buffer_.data() + (64 - address % 64) % 64 / sizeof(float);
  }
  float* take(int64_t floats) {
    float* piece = next_;
    next_ += roundUp(floats, kTile);
    return piece;
  }

 private:
  std::vector<float> buffer_;
  float* next_;
};

// A run of keys some query block sees: the prefix, or the segment's own keys.
struct KeyRange {
  int64_t slot, count, tiles, column;  // `column`: where its scores start in a row of scores
};

struct QueryBlock {
  int64_t segment, begin, rows;  // begin: first token of the batch
  KeyRange ranges[2];
  int rangeCount = 0;
  int64_t columns = 0;
  const KeyRange& own() const { return ranges[rangeCount - 1]; }
};

QueryBlock queryBlock(const AttentionPlan& plan, int64_t segmentIndex, int64_t firstRow) {
  const Segment& segment = plan.segments[static_cast<size_t>(segmentIndex)];
  QueryBlock block;
  block.segment = segmentIndex;
  block.begin = segment.begin + firstRow;
  block.rows = std::min(kQueryBlock, segment.length - firstRow);
  const auto add = [&](int64_t slot, int64_t count) {
    const int64_t tiles = roundUp(count, kTile) / kTile;
    block.ranges[block.rangeCount++] = {slot, count, tiles, block.columns};
    block.columns += tiles * kTile;
  };
  if (segment.prefix >= 0) {
    const size_t prefix = static_cast<size_t>(segment.prefix);
    add(plan.slots[prefix], plan.segments[prefix].length);
  }
  add(plan.slots[static_cast<size_t>(segmentIndex)], firstRow + block.rows);
  return block;
}

// -inf over the padding and over keys that row `row` of the block must not see.
void maskRow(const QueryBlock& block, int64_t row, float* scores) {
  const float masked = -std::numeric_limits<float>::infinity();
  for (int r = 0; r < block.rangeCount; ++r) {
    const KeyRange& range = block.ranges[r];
    const bool own = r == block.rangeCount - 1;
    const int64_t visible = own ? range.count - block.rows + row + 1 : range.count;
    std::fill(scores + range.column + visible, scores + range.column + range.tiles * kTile, masked);
  }
}

// Copies the block's rows of one head into [kQueryBlock, paddedDim]; unused rows and columns stay zero.
void gatherRows(const AttentionPlan& plan, const QueryBlock& block, const HeadRows& from, int64_t head,
                float* to) {
  for (int64_t row = 0; row < block.rows; ++row) {
    std::memcpy(to + row * plan.paddedDim, from.at(block.begin + row, head),
                sizeof(float) * static_cast<size_t>(plan.headDim));
  }
  std::fill(to + block.rows * plan.paddedDim, to + kQueryBlock * plan.paddedDim, 0.0f);
}

// Every query block of a batch, as (segment, first row).
std::vector<std::pair<int64_t, int64_t>> allBlocks(const AttentionPlan& plan) {
  std::vector<std::pair<int64_t, int64_t>> blocks;
  for (size_t s = 0; s < plan.segments.size(); ++s) {
    for (int64_t row = 0; row < plan.segments[s].length; row += kQueryBlock) blocks.emplace_back(s, row);
  }
  return blocks;
}

struct KeyPointers {
  const float *keyTiles, *valueRows, *keyRows = nullptr, *valueTiles = nullptr;
  KeyPointers(const AttentionPlan& plan, const PackedKeys& keys, int64_t keyHead) {
    const int64_t tiles = keyHead * plan.slotCount * plan.headDim,
                  rows = keyHead * plan.slotCount * plan.paddedDim;
    keyTiles = keys.keyTiles.const_data_ptr<float>() + tiles;
    valueRows = keys.valueRows.const_data_ptr<float>() + rows;
    if (keys.keyRows.defined()) keyRows = keys.keyRows.const_data_ptr<float>() + rows;
    if (keys.valueTiles.defined()) valueTiles = keys.valueTiles.const_data_ptr<float>() + tiles;
  }
};

}  // namespace

at::Tensor packedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::vector<Segment>& segments, double scale, at::Tensor& lse) {
  const int64_t tokens = query.size(0), heads = query.size(1), group = heads / key.size(1);
  const AttentionPlan plan(segments, query.size(2));
  const at::Tensor wideQuery = rowsOf(query);
  const PackedKeys keys = packKeys(plan, rowsOf(key), rowsOf(value), scale, /*backward=*/false);
  const at::Tensor out = at::empty({tokens, heads, plan.headDim}, wideQuery.options());
  lse = at::empty({tokens, heads}, wideQuery.options());
  const HeadRows queryRows(wideQuery), outRows(out);
  float* lseData = lse.data_ptr<float>();
  const auto blocks = allBlocks(plan);
  const int64_t blockCount = static_cast<int64_t>(blocks.size()), width = plan.paddedDim;

  at::parallel_for(0, heads * blockCount, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch(kQueryBlock * (plan.longestRow + 2 * width));
    float* scores = scratch.take(kQueryBlock * plan.longestRow);
    float* q = scratch.take(kQueryBlock * width);
    float* o = scratch.take(kQueryBlock * width);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t head = item / blockCount;
      const auto [segment, firstRow] = blocks[static_cast<size_t>(item % blockCount)];
      const QueryBlock block = queryBlock(plan, segment, firstRow);
      const KeyPointers pointers(plan, keys, head / group);
      gatherRows(plan, block, queryRows, head, q);
      for (int r = 0; r < block.rangeCount; ++r) {
        const KeyRange& range = block.ranges[r];
        multiplyTiles(q, block.rows, width, pointers.keyTiles + range.slot * plan.headDim, range.tiles,
                      plan.headDim, scores + range.column, block.columns);
      }
      float inverseSum[kQueryBlock];
      for (int64_t row = 0; row < block.rows; ++row) {
        maskRow(block, row, scores + row * block.columns);
        softmaxRow(scores + row * block.columns, block.columns, lseData + (block.begin + row) * heads + head,
                   inverseSum + row);
      }
      std::fill(o, o + kQueryBlock * width, 0.0f);
      for (int r = 0; r < block.rangeCount; ++r) {
        const KeyRange& range = block.ranges[r];
        accumulateRows(scores + range.column, block.columns, block.rows, range.count,
                       pointers.valueRows + range.slot * width, width, o);
      }
      for (int64_t row = 0; row < block.rows; ++row) {
        float* target = outRows.at(block.begin + row, head);
        for (int64_t d = 0; d < plan.headDim; ++d) target[d] = o[row * width + d] * inverseSum[row];
      }
    }
  });
  return out.to(query.scalar_type());
}

namespace {

// What one (query head, group of segments) work item of the backward pass reads and writes.
struct BackwardPointers {
  HeadRows query, dOut, out, dQuery;
  const float* lse;
  float *dKeySlots, *dValueSlots;  // of this head: [slots, paddedDim]
};

struct BackwardScratch {
  Scratch memory;
  float *scores, *dScores, *q, *d, *dq;
  explicit BackwardScratch(const AttentionPlan& plan)
      : memory(kQueryBlock * (2 * plan.longestRow + 3 * plan.paddedDim)),
        scores(memory.take(kQueryBlock * plan.longestRow)),
        dScores(memory.take(kQueryBlock * plan.longestRow)),
        q(memory.take(kQueryBlock * plan.paddedDim)),
        d(memory.take(kQueryBlock * plan.paddedDim)),
        dq(memory.take(kQueryBlock * plan.paddedDim)) {}
};

void backwardBlock(const AttentionPlan& plan, const QueryBlock& block, const KeyPointers& keys,
                   const BackwardPointers& to, int64_t head, int64_t heads, BackwardScratch& scratch) {
  const int64_t width = plan.paddedDim, stride = block.columns;
  gatherRows(plan, block, to.query, head, scratch.q);
  gatherRows(plan, block, to.dOut, head, scratch.d);
  for (int r = 0; r < block.rangeCount; ++r) {
    const KeyRange& range = block.ranges[r];
    multiplyTiles(scratch.q, block.rows, width, keys.keyTiles + range.slot * plan.headDim, range.tiles,
                  plan.headDim, scratch.scores + range.column, stride);
    multiplyTiles(scratch.d, block.rows, width, keys.valueTiles + range.slot * plan.headDim, range.tiles,
                  plan.headDim, scratch.dScores + range.column, stride);
  }
  float delta[kQueryBlock];
  gatherRows(plan, block, to.out, head, scratch.dq);
  rowDots(scratch.dq, scratch.d, block.rows, width, delta);
  for (int64_t row = 0; row < block.rows; ++row) {
    maskRow(block, row, scratch.scores + row * stride);
    softmaxGradientRow(scratch.scores + row * stride, scratch.dScores + row * stride, stride,
                       to.lse[(block.begin + row) * heads + head], delta[row]);
  }
  std::fill(scratch.dq, scratch.dq + kQueryBlock * width, 0.0f);
  for (int r = 0; r < block.rangeCount; ++r) {
    const KeyRange& range = block.ranges[r];
    const float* dScores = scratch.dScores + range.column;
    accumulateRows(dScores, stride, block.rows, range.count, keys.keyRows + range.slot * width, width,
                   scratch.dq);
    accumulateColumns(dScores, stride, block.rows, range.count, scratch.q, width,
                      to.dKeySlots + range.slot * width);
    accumulateColumns(scratch.scores + range.column, stride, block.rows, range.count, scratch.d, width,
                      to.dValueSlots + range.slot * width);
  }
  for (int64_t row = 0; row < block.rows; ++row) {
    std::memcpy(to.dQuery.at(block.begin + row, head), scratch.dq + row * width,
                sizeof(float) * static_cast<size_t>(plan.headDim));
  }
}

// Sums the query heads' slot gradients [H, slots, paddedDim] over each key head into `to` [T, Hkv, D].
void unpackKeyGradient(const AttentionPlan& plan, const at::Tensor& slotGradient, int64_t group, float factor,
                       const at::Tensor& to) {
  const HeadRows rows(to);
  const float* from = slotGradient.const_data_ptr<float>();
  const int64_t keyHeads = to.size(1), segmentCount = static_cast<int64_t>(plan.segments.size());
  const int64_t headSize = plan.slotCount * plan.paddedDim;
  at::parallel_for(0, segmentCount, 4, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      const Segment& segment = plan.segments[static_cast<size_t>(s)];
      for (int64_t i = 0; i < segment.length; ++i) {
        for (int64_t keyHead = 0; keyHead < keyHeads; ++keyHead) {
          const float* source =
              from + keyHead * group * headSize + (plan.slots[static_cast<size_t>(s)] + i) * plan.paddedDim;
          float* target = rows.at(segment.begin + i, keyHead);
          for (int64_t d = 0; d < plan.headDim; ++d) {
            float sum = 0.0f;
            for (int64_t g = 0; g < group; ++g) sum += source[g * headSize + d];
            target[d] = sum * factor;
          }
        }
      }
    }
  });
}

bool writableInPlace(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat && x.stride(-1) == 1;
}

}  // namespace

void packedAttentionBackward(const at::Tensor& dOut, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& out, const at::Tensor& lse,
                             const std::vector<Segment>& segments, double scale, at::Tensor& dQuery,
                             at::Tensor& dKey, at::Tensor& dValue) {
  const int64_t heads = query.size(1), group = heads / key.size(1);
  const AttentionPlan plan(segments, query.size(2));
  if (!dQuery.defined()) dQuery = at::empty_like(query, at::MemoryFormat::Contiguous);
  if (!dKey.defined()) dKey = at::empty_like(key, at::MemoryFormat::Contiguous);
  if (!dValue.defined()) dValue = at::empty_like(value, at::MemoryFormat::Contiguous);
  const at::Tensor wideQuery = rowsOf(query), wideDOut = rowsOf(dOut), wideOut = rowsOf(out),
                   wideLse = lse.contiguous();
  const PackedKeys keys = packKeys(plan, rowsOf(key), rowsOf(value), scale, /*backward=*/true);
  const at::TensorOptions options = wideQuery.options();
  const at::Tensor wideDQuery = writableInPlace(dQuery) ? dQuery : at::empty(query.sizes(), options);
  const at::Tensor dKeySlots = at::zeros({heads, plan.slotCount, plan.paddedDim}, options);
  const at::Tensor dValueSlots = at::zeros_like(dKeySlots);
  const int64_t groupCount = static_cast<int64_t>(plan.groups.size()),
                headSize = plan.slotCount * plan.paddedDim;

  at::parallel_for(0, heads * groupCount, 1, [&](int64_t begin, int64_t end) {
    BackwardScratch scratch(plan);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t head = item / groupCount;
      const KeyPointers pointers(plan, keys, head / group);
      const BackwardPointers to{HeadRows(wideQuery),
                                HeadRows(wideDOut),
                                HeadRows(wideOut),
                                HeadRows(wideDQuery),
                                wideLse.const_data_ptr<float>(),
                                dKeySlots.data_ptr<float>() + head * headSize,
                                dValueSlots.data_ptr<float>() + head * headSize};
      for (const int32_t segment : plan.groups[static_cast<size_t>(item % groupCount)]) {
        for (int64_t row = 0; row < plan.segments[static_cast<size_t>(segment)].length; row += kQueryBlock) {
          backwardBlock(plan, queryBlock(plan, segment, row), pointers, to, head, heads, scratch);
        }
      }
    }
  });

  const auto unpack = [&](const at::Tensor& slots, float factor, at::Tensor& target) {
    const at::Tensor wide = writableInPlace(target) ? target : at::empty(target.sizes(), options);
    unpackKeyGradient(plan, slots, group, factor, wide);
    if (!wide.is_same(target)) target.copy_(wide);
  };
  unpack(dKeySlots, static_cast<float>(scale), dKey);
  unpack(dValueSlots, 1.0f, dValue);
  if (!wideDQuery.is_same(dQuery)) dQuery.copy_(wideDQuery);
}

}  // namespace toolr0::cpu
