#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "model/model.h"

namespace toolr0 {

// Tokens per page. Small pages waste little at the end of short completions; the kernels take any size.
inline constexpr int64_t kPageSize = 16;
inline int64_t pagesFor(int64_t tokens) {
  return (tokens + kPageSize - 1) / kPageSize;
}

// Which pages are free. The page freed last is taken first, so untouched memory stays untouched.
class PagePool {
 public:
  explicit PagePool(int64_t capacity);
  int64_t free() const { return static_cast<int64_t>(free_.size()); }
  int64_t peakUsed() const { return peakUsed_; }
  int32_t take();                              // needs free() > 0
  void giveBack(std::vector<int32_t>& pages);  // and empties the list

 private:
  int64_t capacity_, peakUsed_ = 0;
  std::vector<int32_t> free_;
};

// Keys and values of every layer: [pages + 1, kPageSize, Hkv, D] in the compute dtype. The extra page takes
// what is computed but not kept (a shared prompt that is run again for a sequence which was preempted).
class KvCache {
 public:
  // Throws Error(kOutOfMemoryError) if the memory cannot be had.
  KvCache(const Model& model, int64_t pages);
  static int64_t bytesPerPage(const Model& model);

  const at::Tensor& keys(int64_t layer) const { return keys_[layer]; }
  const at::Tensor& values(int64_t layer) const { return values_[layer]; }
  int64_t discardSlot() const { return pages_ * kPageSize; }

  // key, value [T, Hkv, D] → slot page * kPageSize + offset, one per token ([T] int64 on the model's device).
  void write(int64_t layer, const at::Tensor& slots, const at::Tensor& key, const at::Tensor& value);

 private:
  int64_t pages_;
  std::vector<at::Tensor> keys_, values_;
};

}  // namespace toolr0
