#include "rollout/kv_cache.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "rollout/bf16_decode_step.h"
#include "rollout/cpu_decode_step.h"
#include "runtime/error.h"
#include "runtime/host_memory.h"

namespace toolr0 {

// A pool is as large as the longest completions may need, and mostly untouched. Small ones keep their pages
// for the next call.
constexpr size_t kDiscardedBytes = size_t{16} << 20;  // per layer and side

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

KvCache::~KvCache() {
  for (const std::vector<at::Tensor>* tensors : {&keys_, &values_})
    for (const at::Tensor& pages : *tensors)
      if (pages.is_cpu() && pages.nbytes() >= kDiscardedBytes) discardHostPages(pages.mutable_data_ptr());
}

int64_t KvCache::bytesPerPage(const Model& model) {
  const ModelConfig& c = model.config;
  return 2 * c.numHiddenLayers * kPageSize * c.numKeyValueHeads * c.headDim *
         static_cast<int64_t>(c10::elementSize(model.dtype));
}

namespace {
// A decode step touches pages all over the pool; with 4 KiB pages of memory nearly every one of them misses
// the TLB (measured: 10 to 15 % of a step's CPU time). Advice only: nothing depends on it being taken.
void adviseHugePages(const at::Tensor& pool) {
#if defined(__linux__)
  constexpr uintptr_t kHuge = uintptr_t{2} << 20;
  const auto begin = reinterpret_cast<uintptr_t>(pool.mutable_data_ptr()), end = begin + pool.nbytes();
  const uintptr_t first = (begin + kHuge - 1) / kHuge * kHuge, last = end / kHuge * kHuge;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}
}  // namespace

KvCache::KvCache(const Model& model, int64_t pages)
    : KvCache(model, pages,
              CpuDecodeStep::supports(model) || Bf16DecodeStep::supports(model) ? KvLayout::kHeadMajor
                                                                                : KvLayout::kTokenMajor) {}

KvCache::KvCache(const Model& model, int64_t pages, KvLayout layout) : pages_(pages), layout_(layout) {
  const ModelConfig& c = model.config;
  const int64_t heads = c.numKeyValueHeads, width = c.headDim;
  at::Tensor pool;  // [2 * layers, pages + 1, elements of a page]
  try {
    pool = at::empty({2 * c.numHiddenLayers, pages + 1, kPageSize * heads * width},
                     at::TensorOptions().device(model.device).dtype(model.dtype));
  } catch (const c10::Error&) {
    throw Error(kOutOfMemoryError, "cannot allocate " + std::to_string(pages * bytesPerPage(model) >> 20) +
                                       " MiB for the KV cache on " + model.device.str() +
                                       "; set a smaller maxKvBytes, maxBatch or maxNewTokens");
  }
  if (pool.is_cpu()) adviseHugePages(pool);
  const bool tokens = layout == KvLayout::kTokenMajor;
  for (int64_t layer = 0; layer < c.numHiddenLayers; ++layer) {
    keys_.push_back(pool[2 * layer].view(tokens ? at::IntArrayRef{pages + 1, kPageSize, heads, width}
                                                : at::IntArrayRef{pages + 1, heads, width, kPageSize}));
    values_.push_back(pool[2 * layer + 1].view(tokens ? at::IntArrayRef{pages + 1, kPageSize, heads, width}
                                                      : at::IntArrayRef{pages + 1, heads, kPageSize, width}));
  }
}

namespace {
// Rows of the host tensor `from` (a token's heads adjacent) to their slots; index_copy_ is many times slower
// for short rows.
void copyRows(const at::Tensor& pages, const int64_t* slots, const at::Tensor& from) {
  const size_t element = from.element_size(), rowBytes = from.size(1) * from.size(2) * element;
  auto* to = static_cast<char*>(pages.mutable_data_ptr());
  const auto* source = static_cast<const char*>(from.const_data_ptr());
  for (int64_t t = 0; t < from.size(0); ++t)
    std::memcpy(to + slots[t] * rowBytes, source + t * from.stride(0) * element, rowBytes);
}

template <typename T>
void writeHeadMajor(const at::Tensor& keys, const at::Tensor& values, const int64_t* slots,
                    const at::Tensor& key, const at::Tensor& value) {
  const int64_t heads = key.size(1), width = key.size(2);
  T *keyPages = keys.mutable_data_ptr<T>(), *valuePages = values.mutable_data_ptr<T>();
  at::parallel_for(0, key.size(0), 64, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      for (int64_t head = 0; head < heads; ++head)
        storeHeadMajor(keyPages, valuePages, slots[t], heads, head, width,
                       key.const_data_ptr<T>() + t * key.stride(0) + head * width,
                       value.const_data_ptr<T>() + t * value.stride(0) + head * width);
  });
}
}  // namespace

void KvCache::write(int64_t layer, const at::Tensor& slots, const at::Tensor& key, const at::Tensor& value) {
  const auto rowsOf = [&](const at::Tensor& rows) {
    const bool dense = rows.stride(2) == 1 && rows.stride(1) == rows.size(2);
    return rows.is_cpu() ? (dense ? rows : rows.contiguous()).to(keys_[layer].scalar_type()) : rows;
  };
  const at::Tensor keyRows = rowsOf(key), valueRows = rowsOf(value);
  if (!keyRows.is_cpu()) {
    const auto store = [&](at::Tensor& pages, const at::Tensor& rows) {
      pages.view({-1, pages.size(2), pages.size(3)}).index_copy_(0, slots, rows);
    };
    store(keys_[layer], keyRows);
    store(values_[layer], valueRows);
  } else if (layout_ == KvLayout::kTokenMajor) {
    copyRows(keys_[layer], slots.const_data_ptr<int64_t>(), keyRows);
    copyRows(values_[layer], slots.const_data_ptr<int64_t>(), valueRows);
  } else if (keyRows.scalar_type() == at::kFloat) {
    writeHeadMajor<float>(keys_[layer], values_[layer], slots.const_data_ptr<int64_t>(), keyRows, valueRows);
  } else {
    writeHeadMajor<at::BFloat16>(keys_[layer], values_[layer], slots.const_data_ptr<int64_t>(), keyRows,
                                 valueRows);
  }
}

}  // namespace toolr0
