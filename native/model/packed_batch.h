#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace toolr0 {

// A run of tokens [begin, begin+length) of a packed batch. It attends causally to itself and, when `prefix`
// >= 0, to all tokens of that earlier segment (a prompt shared by the completions of a group; a prefix has no
// prefix of its own).
struct Segment {
  int64_t begin = 0, length = 0;
  int32_t prefix = -1;
};

// Variable-length sequences back to back, no padding. All segments without a prefix that serve as prefixes
// come first, and completions of one prefix are adjacent (attention over [all completions of a group] × [its
// prompt] is then dense).
struct PackedBatch {
  at::Tensor tokens;     // [T] int64, on the model's device
  at::Tensor positions;  // [T] int64: RoPE position = offset inside the segment + length of its prefix
  std::vector<Segment> segments;
  int64_t tokenCount() const { return tokens.size(0); }
};

}  // namespace toolr0
