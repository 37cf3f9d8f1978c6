#include "runtime/free_memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "runtime/host_memory.h"

namespace toolr0 {
namespace {

int64_t systemAvailable() {
  std::ifstream file("/proc/meminfo");
  std::string name, rest;
  int64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    std::getline(file, rest);
    if (name == "MemAvailable:") return kilobytes * 1024;
  }
  return int64_t{4} << 30;  // no /proc: assume a small machine
}

// cgroup v2; the largest number where there is no limit ("max" cannot be read as a number).
int64_t containerLimit() {
  int64_t limit = 0;
  std::ifstream("/sys/fs/cgroup/memory.max") >> limit;
  return limit > 0 ? limit : std::numeric_limits<int64_t>::max();
}

int64_t containerUsed() {
  int64_t used = 0;
  std::ifstream("/sys/fs/cgroup/memory.current") >> used;
  return used;
}

}  // namespace

int64_t freeMemory(c10::Device device) {
  if (device.is_cpu()) {
    const int64_t container = std::max<int64_t>(0, containerLimit() - containerUsed());
    return std::min(systemAvailable(), container) + hostMemoryStats().retainedBytes;
  }
  auto* allocator = at::getDeviceAllocator(device.type());
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = allocator->getDeviceStats(device.index());
  return static_cast<int64_t>(allocator->getMemoryInfo(device.index()).first) +
         stats.reserved_bytes[kAll].current - stats.allocated_bytes[kAll].current;
}

int64_t totalMemory(c10::Device device) {
  if (device.is_cpu()) {
    const int64_t machine = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
    return std::min(machine, containerLimit());
  }
  return static_cast<int64_t>(at::getDeviceAllocator(device.type())->getMemoryInfo(device.index()).second);
}

}  // namespace toolr0
