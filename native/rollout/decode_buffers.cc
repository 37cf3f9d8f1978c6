#include "rollout/decode_buffers.h"

#include <algorithm>

#include "rollout/kv_cache.h"

namespace toolr0 {
int64_t nextPowerOfTwo(int64_t n) {
  int64_t power = 1;
  while (power < n) power *= 2;
  return power;
}

bool DecodeShape::holds(const DecodeShape& o) const {
  return rows >= o.rows && prompts >= o.prompts && promptPages >= o.promptPages && ownPages >= o.ownPages;
}

DecodeShape DecodeShape::roundedUp() const {
  return {decodeBucket(rows), nextPowerOfTwo(prompts), nextPowerOfTwo(promptPages), nextPowerOfTwo(ownPages)};
}

int64_t decodeBucket(int64_t rows) {
  for (const int64_t bucket : {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256})
    if (rows <= bucket) return bucket;
  return (rows + 127) / 128 * 128;
}

DecodeBuffers::DecodeBuffers(const DecodeShape& shape, at::Device device) : shape(shape) {
  const auto zeros = [&](at::IntArrayRef sizes, at::ScalarType type) {
    return at::zeros(sizes, at::TensorOptions().dtype(type).device(device));
  };
  tokens = zeros({shape.rows}, at::kLong);
  longs = zeros({kLongs, shape.rows}, at::kLong);
  ints = zeros({kInts, shape.rows}, at::kInt);
  prefixTable = zeros({shape.prompts + 1, shape.promptPages}, at::kInt);
  prefixLength = zeros({shape.prompts + 1}, at::kInt);
  suffixTable = zeros({shape.rows, shape.ownPages}, at::kInt);
}

DecodeState DecodeBuffers::state(int64_t rows, int64_t discardSlot) const {
  return {tokens.narrow(0, 0, rows),
          longsOf(kPosition, rows),
          longsOf(kSlot, rows),
          longsOf(kStream, rows),
          longsOf(kStep, rows),
          intsOf(kLength, rows),
          suffixTable.narrow(0, 0, rows),
          kPageSize,
          discardSlot};
}

}  // namespace toolr0
