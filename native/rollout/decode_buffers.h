#pragma once
#include <ATen/ATen.h>

#include <cstdint>

#include "kernels/sample_advance.h"

namespace toolr0 {

// Sizes for which the buffers of a decode step are made.
struct DecodeShape {
  int64_t rows = 1, prompts = 1, promptPages = 1, ownPages = 1;
  bool holds(const DecodeShape& other) const;
  DecodeShape roundedUp() const;  // so that the next request probably fits too
};

// The smallest captured batch size that holds `rows`: 1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, then
// steps of 128.
int64_t decodeBucket(int64_t rows);
int64_t nextPowerOfTwo(int64_t n);

// The index tensors of a decode step on the model's device. Their addresses never change, so captured graphs
// keep working; a step may advance them by itself.
struct DecodeBuffers {
  DecodeBuffers(const DecodeShape& shape, at::Device device);

  DecodeShape shape;
  at::Tensor tokens;  // [rows] int64
  at::Tensor longs;   // [kLongs, rows] int64
  at::Tensor ints;    // [kInts, rows] int32
  at::Tensor
      prefixTable;  // [prompts + 1, promptPages] int32; the last line is the empty prefix of padding rows
  at::Tensor prefixLength;  // [prompts + 1] int32
  at::Tensor suffixTable;   // [rows, ownPages] int32

  enum { kPosition, kSlot, kStream, kStep, kLongs };
  enum { kPrefix, kLength, kRunStart, kRunCount, kInts };
  at::Tensor longsOf(int64_t what, int64_t rows) const { return longs.select(0, what).narrow(0, 0, rows); }
  at::Tensor intsOf(int64_t what, int64_t rows) const { return ints.select(0, what).narrow(0, 0, rows); }
  DecodeState state(int64_t rows, int64_t discardSlot) const;
};

}  // namespace toolr0
