#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace toolr0 {

// 'auto' (CUDA where a device is present, else the CPU), 'cpu', 'cuda' (device 0) or 'cuda:N'. Asking for
// CUDA never falls back: Error(kDeviceError) says what is missing. An unknown name is Error(kConfigError).
at::Device parseDevice(const std::string& name);

// 'auto' (bfloat16 on CUDA, float32 on the CPU), 'float32', 'bfloat16' or 'float16'; else
// Error(kConfigError).
at::ScalarType parseDtype(const std::string& name, at::Device device);

// 'float32', 'bfloat16' …: the names parseDtype takes.
std::string dtypeName(at::ScalarType dtype);

struct CudaDevice {
  int64_t index = 0;
  std::string name;
  int64_t totalBytes = 0, freeBytes = 0;
  std::string capability;  // "9.0"; empty when this addon was built without CUDA
};
// Empty without a driver, a device or a CUDA build of libtorch; never throws for those.
std::vector<CudaDevice> cudaDevices();

struct MemoryStats {
  int64_t cudaAllocatedBytes = 0, cudaPeakBytes = 0, cudaReservedBytes = 0;
};
// Sums over all CUDA devices of libtorch's caching allocator; zeros before its first use.
MemoryStats memoryStats();

struct BuildInfo {
  std::string libtorchVersion;  // of the headers
  uint64_t abiCompiled = 0, abiLoaded = 0;
  bool cudaKernels = false;
  std::string cudaArchitectures;
};
BuildInfo buildInfo();

}  // namespace toolr0
