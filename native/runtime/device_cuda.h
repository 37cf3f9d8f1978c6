#pragma once
#include "runtime/device.h"

namespace toolr0 {
// Fills in name, memory and compute capability of `device.index`. Only in CUDA builds.
void describeCudaDevice(CudaDevice& device);
}  // namespace toolr0
