#pragma once
#include <cstdint>

namespace toolr0 {

// Host memory of large tensors (512 KiB and more), handed out from one reserved range of addresses. The C
// library gives each such tensor pages of its own and returns them at once; getting fresh ones, zeroed by the
// kernel, took 4 of the 10 seconds of a 0.5B training step in bf16. Here freed pages stay with the process
// and serve the next tensor, up to a quarter of the machine's memory.
//
// Becomes libtorch's CPU allocator; smaller tensors, and what does not fit, go where they went before. Does
// nothing the second time, where the range cannot be reserved, or under AddressSanitizer.
void installHostMemory();

struct HostMemoryStats {
  int64_t usedBytes = 0;      // live large tensors
  int64_t peakBytes = 0;      // the most that were live at once since resetHostMemoryPeak()
  int64_t retainedBytes = 0;  // freed, and still backed by pages
};
HostMemoryStats hostMemoryStats();
void resetHostMemoryPeak();

// Gives the pages of a large tensor, whose contents are no longer needed, back to the system before it is
// freed. For memory that was reserved for the worst case and hardly used: it must not count as retained.
void discardHostPages(void* memory);

// Gives the pages of freed tensors back to the system.
void releaseHostMemory();

}  // namespace toolr0
