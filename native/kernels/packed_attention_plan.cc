#include "kernels/packed_attention_plan.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/packed_attention_loops.h"

namespace toolr0::cpu {

PackedKeys packKeys(const AttentionPlan& plan, const at::Tensor& key, const at::Tensor& value, double scale,
                    bool backward) {
  const int64_t keyHeads = key.size(1), headDim = plan.headDim, paddedDim = plan.paddedDim;
  PackedKeys out;
  const std::vector<int64_t> tileShape{keyHeads, plan.slotCount / kTile, headDim, kTile};
  const std::vector<int64_t> rowShape{keyHeads, plan.slotCount, paddedDim};
  out.keyTiles = at::empty(tileShape, key.options());
  out.valueRows = at::empty(rowShape, key.options());
  if (backward) out.keyRows = at::empty(rowShape, key.options());
  if (backward) out.valueTiles = at::empty(tileShape, key.options());
  const HeadRows keys(key), values(value);
  const float keyScale = static_cast<float>(scale);
  const auto pack = [&](const HeadRows& from, float factor, int64_t head, int64_t s, float* tiles,
                        float* rows) {
    const Segment& segment = plan.segments[static_cast<size_t>(s)];
    const int64_t slot = plan.slots[static_cast<size_t>(s)], padded = roundUp(segment.length, kTile);
    if (rows != nullptr) {
      rows += (head * plan.slotCount + slot) * paddedDim;
      for (int64_t i = 0; i < segment.length; ++i) {
        const float* source = from.at(segment.begin + i, head);
        for (int64_t d = 0; d < headDim; ++d) rows[i * paddedDim + d] = source[d] * factor;
        std::fill(rows + i * paddedDim + headDim, rows + (i + 1) * paddedDim, 0.0f);
      }
      std::fill(rows + segment.length * paddedDim, rows + padded * paddedDim, 0.0f);
    }
    if (tiles == nullptr) return;
    tiles += (head * plan.slotCount + slot) * headDim;
    for (int64_t i = 0; i < padded; i += kTile) {
      packTile(from.at(segment.begin + i, head), from.tokenStride, std::min(kTile, segment.length - i),
               headDim, factor, tiles + i * headDim);
    }
  };
  float* keyTiles = out.keyTiles.data_ptr<float>();
  float* valueRows = out.valueRows.data_ptr<float>();
  float* keyRows = backward ? out.keyRows.data_ptr<float>() : nullptr;
  float* valueTiles = backward ? out.valueTiles.data_ptr<float>() : nullptr;
  const int64_t segmentCount = static_cast<int64_t>(plan.segments.size());
  at::parallel_for(0, keyHeads * segmentCount, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      pack(keys, keyScale, i / segmentCount, i % segmentCount, keyTiles, keyRows);
      pack(values, 1.0f, i / segmentCount, i % segmentCount, valueTiles, valueRows);
    }
  });
  return out;
}

}  // namespace toolr0::cpu
