#pragma once
#include <c10/core/Device.h>

#include <cstdint>

namespace toolr0 {

// Bytes the KV cache may take when the caller sets no limit: a fixed share of what is free on `device` now
// (host: MemAvailable and the control group's limit; CUDA: free memory and what the caching allocator holds
// unused).
int64_t freeBytesForKvCache(c10::Device device);

}  // namespace toolr0
