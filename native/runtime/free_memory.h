#pragma once
#include <c10/core/Device.h>

#include <cstdint>

namespace toolr0 {

// Bytes that new tensors on `device` may take now. Host: what the system and a container's limit leave, and
// what freed tensors have left with this process. CUDA: free device memory and what libtorch's allocator
// holds unused.
int64_t freeMemory(c10::Device device);

// All memory of the device; host: the machine's, or a container's limit. For choices that must not depend on
// the moment.
int64_t totalMemory(c10::Device device);

}  // namespace toolr0
