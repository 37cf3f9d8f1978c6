#include "rollout/memory_budget.h"

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace toolr0 {
namespace {

constexpr double kHostShare = 0.4;  // the trainer, the weights' page cache and Node.js live beside the cache
constexpr double kDeviceShare = 0.85;  // the rest is for activations and logits of the steps

int64_t memAvailable() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  int64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    std::getline(file, unit);
    if (name == "MemAvailable:") return kilobytes * 1024;
  }
  return int64_t{4} << 30;  // no /proc: assume a small machine
}

// What the control group (a container's limit) leaves; the largest number where there is none.
int64_t controlGroupAvailable() {
  int64_t limit = 0, used = 0;
  std::ifstream("/sys/fs/cgroup/memory.max") >> limit;  // "max" leaves 0
  std::ifstream("/sys/fs/cgroup/memory.current") >> used;
  return limit > 0 ? std::max<int64_t>(0, limit - used) : std::numeric_limits<int64_t>::max();
}

}  // namespace

int64_t freeBytesForKvCache(c10::Device device) {
  if (device.is_cpu())
    return static_cast<int64_t>(kHostShare *
                                static_cast<double>(std::min(memAvailable(), controlGroupAvailable())));
  auto* allocator = at::getDeviceAllocator(device.type());
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = allocator->getDeviceStats(device.index());
  const auto free = static_cast<double>(allocator->getMemoryInfo(device.index()).first);
  const auto cached =
      static_cast<double>(stats.reserved_bytes[kAll].current - stats.allocated_bytes[kAll].current);
  return static_cast<int64_t>(kDeviceShare * (free + cached));
}

}  // namespace toolr0
