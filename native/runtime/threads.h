#pragma once
#include <cstdint>

namespace toolr0 {

// Cores this process may really use: physical cores (hyper-threads counted once) of its CPU affinity, and no
// more than its container's CPU quota. At least 1.
int64_t usableCores();

// Sets how many threads tensor operations use; only effective on the compute thread. 0 = OMP_NUM_THREADS
// where the user set it, else usableCores().
void setComputeThreads(int64_t threads);

}  // namespace toolr0
