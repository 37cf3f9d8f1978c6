#include "runtime/device_cuda.h"

#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

namespace toolr0 {

void describeCudaDevice(CudaDevice& device) {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, static_cast<int>(device.index)) != cudaSuccess) {
    device.name = "CUDA device " + std::to_string(device.index);
    return;
  }
  device.name = properties.name;
  device.totalBytes = static_cast<int64_t>(properties.totalGlobalMem);
  device.capability = std::to_string(properties.major) + "." + std::to_string(properties.minor);
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device.index));
  size_t freeBytes = 0, totalBytes = 0;
  if (cudaMemGetInfo(&freeBytes, &totalBytes) == cudaSuccess)
    device.freeBytes = static_cast<int64_t>(freeBytes);
}

}  // namespace toolr0
