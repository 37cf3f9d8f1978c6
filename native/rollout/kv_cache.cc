#include "rollout/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "runtime/error.h"

namespace toolr0 {

PagePool::PagePool(int64_t capacity) : capacity_(capacity), free_(capacity) {
  for (int64_t i = 0; i < capacity; ++i) free_[i] = static_cast<int32_t>(capacity - 1 - i);
}

int32_t PagePool::take() {
  const int32_t page = free_.back();
  free_.pop_back();
  peakUsed_ = std::max(peakUsed_, capacity_ - free());
  return page;
}

void PagePool::giveBack(std::vector<int32_t>& pages) {
  free_.insert(free_.end(), pages.rbegin(), pages.rend());
  pages.clear();
}

int64_t KvCache::bytesPerPage(const Model& model) {
  const ModelConfig& c = model.config;
  return 2 * c.numHiddenLayers * kPageSize * c.numKeyValueHeads * c.headDim *
         static_cast<int64_t>(c10::elementSize(model.dtype));
}

KvCache::KvCache(const Model& model, int64_t pages) : pages_(pages) {
  const ModelConfig& c = model.config;
  const at::TensorOptions options = at::TensorOptions().device(model.device).dtype(model.dtype);
  try {
    for (int64_t layer = 0; layer < c.numHiddenLayers; ++layer) {
      keys_.push_back(at::empty({pages + 1, kPageSize, c.numKeyValueHeads, c.headDim}, options));
      values_.push_back(at::empty({pages + 1, kPageSize, c.numKeyValueHeads, c.headDim}, options));
    }
  } catch (const c10::Error&) {
    throw Error(kOutOfMemoryError, "cannot allocate " + std::to_string(pages * bytesPerPage(model) >> 20) +
                                       " MiB for the KV cache on " + model.device.str() +
                                       "; set a smaller maxKvBytes, maxBatch or maxNewTokens");
  }
}

namespace {
// Rows of the host tensor `from` (a token's heads adjacent) to their slots; index_copy_ is many times slower
// for short rows.
void copyRows(at::Tensor& pages, const int64_t* slots, const at::Tensor& from) {
  const size_t element = from.element_size(), rowBytes = from.size(1) * from.size(2) * element;
  auto* to = static_cast<char*>(pages.mutable_data_ptr());
  const auto* source = static_cast<const char*>(from.const_data_ptr());
  for (int64_t t = 0; t < from.size(0); ++t)
    std::memcpy(to + slots[t] * rowBytes, source + t * from.stride(0) * element, rowBytes);
}
}  // namespace

void KvCache::write(int64_t layer, const at::Tensor& slots, const at::Tensor& key, const at::Tensor& value) {
  const auto store = [&](at::Tensor& pages, const at::Tensor& rows) {
    const bool dense = rows.stride(2) == 1 && rows.stride(1) == rows.size(2);
    if (rows.is_cpu() && rows.scalar_type() == pages.scalar_type())
      copyRows(pages, slots.const_data_ptr<int64_t>(), dense ? rows : rows.contiguous());
    else
      pages.view({-1, pages.size(2), pages.size(3)}).index_copy_(0, slots, rows);
  };
  store(keys_[layer], key);
  store(values_[layer], value);
}

}  // namespace toolr0
