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

// How a page holds its keys and values. kTokenMajor: both [kPageSize, Hkv, D]. kHeadMajor: keys
// [Hkv, D, kPageSize] (turned, so that the CPU scores sixteen tokens per instruction), values
// [Hkv, kPageSize, D].
enum class KvLayout { kTokenMajor, kHeadMajor };

// One token's key and value of head `head` ([width] each) to its slot of kHeadMajor pages.
template <typename T>
inline void storeHeadMajor(T* keyPages, T* valuePages, int64_t slot, int64_t heads, int64_t head,
                           int64_t width, const T* key, const T* value) {
  const int64_t offset = slot % kPageSize, begin = (slot / kPageSize * heads + head) * kPageSize * width;
  T* keyTo = keyPages + begin + offset;
  for (int64_t d = 0; d < width; ++d) keyTo[d * kPageSize] = key[d];
  T* valueTo = valuePages + begin + offset * width;
  for (int64_t d = 0; d < width; ++d) valueTo[d] = value[d];
}

// Keys and values of every layer, pages + 1 pages in the compute dtype. The extra page takes what is computed
// but not kept (a shared prompt that is run again for a sequence which was preempted).
class KvCache {
 public:
  // In the layout that makeDecodeStep's choice for this model reads. Throws Error(kOutOfMemoryError) if the
  // memory cannot be had.
  KvCache(const Model& model, int64_t pages);
  KvCache(const Model& model, int64_t pages, KvLayout layout);
  ~KvCache();
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;
  static int64_t bytesPerPage(const Model& model);

  KvLayout layout() const { return layout_; }
  // [pages + 1, …one page in the layout]
  const at::Tensor& keys(int64_t layer) const { return keys_[layer]; }
  const at::Tensor& values(int64_t layer) const { return values_[layer]; }
  int64_t discardSlot() const { return pages_ * kPageSize; }

  // key, value [T, Hkv, D] → slot page * kPageSize + offset, one per token ([T] int64 on the model's device).
  void write(int64_t layer, const at::Tensor& slots, const at::Tensor& key, const at::Tensor& value);

 private:
  int64_t pages_;
  KvLayout layout_;
  std::vector<at::Tensor> keys_, values_;
};

}  // namespace toolr0
