#include "rollout/memory_budget.h"

#include "runtime/free_memory.h"

namespace toolr0 {
namespace {

constexpr double kHostShare = 0.4;  // the trainer, the weights' page cache and Node.js live beside the cache
constexpr double kDeviceShare = 0.85;  // the rest is for activations and logits of the steps

}  // namespace

int64_t freeBytesForKvCache(c10::Device device) {
  const double share = device.is_cpu() ? kHostShare : kDeviceShare;
  return static_cast<int64_t>(share * static_cast<double>(freeMemory(device)));
}

}  // namespace toolr0
