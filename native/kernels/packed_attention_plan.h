#pragma once
// How the CPU path of packed attention lays out and divides its work.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/packed_batch.h"

namespace toolr0::cpu {

constexpr int64_t kTile = 16;  // keys per tile: one vector register of fp32
constexpr int64_t kQueryBlock =
    24;  // query rows that share one pass over the keys: four register tiles of six rows

inline int64_t roundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Token-major fp32 tensor [T, heads, D] with a contiguous last dimension.
struct HeadRows {
  float* data;
  int64_t tokenStride, headStride;
  explicit HeadRows(const at::Tensor& x)
      : data(const_cast<float*>(x.const_data_ptr<float>())),
        tokenStride(x.stride(0)),
        headStride(x.stride(1)) {}
  float* at(int64_t token, int64_t head) const { return data + token * tokenStride + head * headStride; }
};

// Segments are re-laid with their keys padded to whole tiles ("slots"), so that the inner loops have no
// tails.
struct AttentionPlan {
  const std::vector<Segment>& segments;
  int64_t headDim, paddedDim;
  std::vector<int64_t> slots;  // [segments] first slot of each segment
  int64_t slotCount = 0;
  int64_t longestRow = 0;                    // most (padded) keys any query block sees
  std::vector<std::vector<int32_t>> groups;  // a prefix and all segments that continue it, or a lone segment

  AttentionPlan(const std::vector<Segment>& allSegments, int64_t dim)
      : segments(allSegments), headDim(dim), paddedDim(roundUp(dim, kTile)) {
    std::vector<int32_t> groupOf(segments.size(), -1);
    for (size_t i = 0; i < segments.size(); ++i) {
      const Segment& segment = segments[i];
      slots.push_back(slotCount);
      const int64_t own = roundUp(segment.length, kTile);
      slotCount += own;
      const bool continues = segment.prefix >= 0;
      const int64_t prefixKeys =
          continues ? roundUp(segments[static_cast<size_t>(segment.prefix)].length, kTile) : 0;
      longestRow = std::max(longestRow, prefixKeys + own);
      groupOf[i] =
          continues ? groupOf[static_cast<size_t>(segment.prefix)] : static_cast<int32_t>(groups.size());
      if (!continues) groups.emplace_back();
      groups[static_cast<size_t>(groupOf[i])].push_back(static_cast<int32_t>(i));
    }
  }
};

// Keys and values of a batch in the layouts the inner loops read; fp32, padding zero. Keys are multiplied by
// `scale` once.
struct PackedKeys {
  at::Tensor keyTiles;    // [Hkv, slots/16, D, 16]
  at::Tensor valueRows;   // [Hkv, slots, paddedDim]
  at::Tensor keyRows;     // [Hkv, slots, paddedDim]    backward only
  at::Tensor valueTiles;  // [Hkv, slots/16, D, 16]     backward only
};

// key, value: [T, Hkv, D] fp32, last dimension contiguous.
PackedKeys packKeys(const AttentionPlan& plan, const at::Tensor& key, const at::Tensor& value, double scale,
                    bool backward);

}  // namespace toolr0::cpu
