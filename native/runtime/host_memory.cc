#include "runtime/host_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "runtime/free_memory.h"

namespace toolr0 {
namespace {

constexpr size_t kSmallest = size_t{512} << 10;  // below this, the C library keeps its pages itself
constexpr size_t kGranularity = size_t{16} << 10;

// Best fit with coalescing over [base, base + size). Free space beyond what was ever used is one more free
// range, and as the largest it is taken last.
class Range {
 public:
  bool reserve(size_t size) {
    void* memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    // No MADV_HUGEPAGE: on a machine that has been up for a while the kernel compacts memory to find such
    // pages, and the first step took half as long again.
    base_ = reinterpret_cast<uintptr_t>(memory);
    end_ = base_ + size;
    insertFree(base_, size);
    return true;
  }
  bool owns(const void* pointer) const {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    return address >= base_ && address < end_;
  }
  void* take(size_t size) {
    size = (size + kGranularity - 1) / kGranularity * kGranularity;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto fit = bySize_.lower_bound({size, 0});
    if (fit == bySize_.end()) return nullptr;
    const auto [available, address] = *fit;
    eraseFree(address, available);
    if (available > size) insertFree(address + size, available - size);
    used_.emplace(address, Use{size, true});
    stats_.usedBytes += static_cast<int64_t>(size);
    stats_.peakBytes = std::max(stats_.peakBytes, stats_.usedBytes);
    stats_.retainedBytes = std::max<int64_t>(0, stats_.retainedBytes - static_cast<int64_t>(size));
    return reinterpret_cast<void*>(address);
  }
  void give(void* pointer, size_t retainedLimit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = used_.find(reinterpret_cast<uintptr_t>(pointer));
    uintptr_t address = found->first;
    size_t size = found->second.size;
    const bool retained = found->second.retained;
    used_.erase(found);
    stats_.usedBytes -= static_cast<int64_t>(size);
    if (retained) stats_.retainedBytes += static_cast<int64_t>(size);
    auto next = byAddress_.lower_bound(address);
    if (next != byAddress_.end() && next->first == address + size) {
      const size_t more = next->second;
      eraseFree(next->first, more);
      size += more;
    }
    auto before = byAddress_.lower_bound(address);
    if (before != byAddress_.begin() && (--before)->first + before->second == address) {
      const auto [start, length] = *before;
      eraseFree(start, length);
      address = start;
      size += length;
    }
    insertFree(address, size);
    if (stats_.retainedBytes > static_cast<int64_t>(retainedLimit)) releaseLocked();
  }
  void discard(void* pointer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = used_.find(reinterpret_cast<uintptr_t>(pointer));
    if (found == used_.end()) return;
    found->second.retained = false;
    madvise(pointer, found->second.size, MADV_DONTNEED);
  }
  void release() {
    const std::lock_guard<std::mutex> lock(mutex_);
    releaseLocked();
  }
  HostMemoryStats stats() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stats_;
  }
  void resetPeak() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stats_.peakBytes = stats_.usedBytes;
  }

 private:
  struct Use {
    size_t size;
    bool retained;  // whether its pages stay when it is freed
  };
  void insertFree(uintptr_t address, size_t size) {
    byAddress_.emplace(address, size);
    bySize_.emplace(size, address);
  }
  void eraseFree(uintptr_t address, size_t size) {
    byAddress_.erase(address);
    bySize_.erase({size, address});
  }
  void releaseLocked() {
    for (const auto& [address, size] : byAddress_)
      madvise(reinterpret_cast<void*>(address), size, MADV_DONTNEED);
    stats_.retainedBytes = 0;
  }

  std::mutex mutex_;
  uintptr_t base_ = 0, end_ = 0;
  std::map<uintptr_t, size_t> byAddress_;
  std::set<std::pair<size_t, uintptr_t>> bySize_;
  std::unordered_map<uintptr_t, Use> used_;
  HostMemoryStats stats_;
};

class HostAllocator final : public c10::Allocator {
 public:
  // Never destroyed: tensors outlive static destructors.
  static HostAllocator& instance() {
    static HostAllocator* allocator = new HostAllocator;
    return *allocator;
  }
  bool install() {
    const auto pages = static_cast<size_t>(std::max<long>(0, sysconf(_SC_PHYS_PAGES)));
    const size_t memory = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / kGranularity * kGranularity;
    if (memory == 0 || !range_.reserve(memory)) return false;
    retainedLimit_ = static_cast<size_t>(totalMemory(at::kCPU)) / 4;
    fallback_ = c10::GetCPUAllocator();
    c10::SetCPUAllocator(this, /*priority=*/1);
    return true;
  }
  c10::DataPtr allocate(size_t size) override {
    void* memory = size >= kSmallest ? range_.take(size) : nullptr;
    // A request beyond the machine's memory is refused there, with libtorch's own message.
    if (memory == nullptr) return fallback_->allocate(size);
    return {memory, memory, &HostAllocator::free, at::Device(at::kCPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &HostAllocator::free; }
  void copy_data(void* to, const void* from, size_t count) const override { std::memcpy(to, from, count); }
  Range& range() { return range_; }

 private:
  static void free(void* memory) {
    HostAllocator& self = instance();
    if (self.range_.owns(memory))
      self.range_.give(memory, self.retainedLimit_);
    else
      self.fallback_->raw_deallocate(memory);
  }

  Range range_;
  size_t retainedLimit_ = 0;
  c10::Allocator* fallback_ = nullptr;
};

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;  // it could not see a write past the end of a tensor in here
#else
constexpr bool kSanitized = false;
#endif

}  // namespace

void installHostMemory() {
  [[maybe_unused]] static const bool installed = !kSanitized && HostAllocator::instance().install();
}

HostMemoryStats hostMemoryStats() {
  return HostAllocator::instance().range().stats();
}

void resetHostMemoryPeak() {
  HostAllocator::instance().range().resetPeak();
}

void discardHostPages(void* memory) {
  HostAllocator::instance().range().discard(memory);
}

void releaseHostMemory() {
  HostAllocator::instance().range().release();
}

}  // namespace toolr0
