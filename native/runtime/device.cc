#include "runtime/device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/headeronly/version.h>

#include <charconv>

#include "runtime/error.h"
#ifdef TR0_WITH_CUDA
#include "runtime/device_cuda.h"
#endif

#ifndef TR0_CUDA_ARCHITECTURES
#define TR0_CUDA_ARCHITECTURES ""
#endif

namespace toolr0 {
namespace {

int64_t cudaDeviceCount() {
  if (!at::globalContext().hasCUDA()) return 0;
  return at::detail::getCUDAHooks().deviceCount();
}

at::Device cudaDevice(const std::string& name, int64_t index) {
  if (!at::globalContext().hasCUDA()) {
    throw Error(kDeviceError,
                "device '" + name +
                    "' was asked for, but this libtorch is a CPU build; run `npx tool-r0-native setup "
                    "--device cuda`, or use --device cpu");
  }
  const int64_t count = cudaDeviceCount();
  if (count == 0) {
    throw Error(kDeviceError,
                "device '" + name +
                    "' was asked for, but no CUDA device is visible (driver missing, too old, or "
                    "CUDA_VISIBLE_DEVICES is empty); see `npx tool-r0-native doctor`, or use --device cpu");
  }
  if (index >= count) {
    throw Error(kDeviceError, "device '" + name + "' does not exist: " + std::to_string(count) +
                                  " CUDA device(s) are visible, numbered from 0");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

}  // namespace

at::Device parseDevice(const std::string& name) {
  if (name == "cpu") return at::Device(at::kCPU);
  if (name == "auto") return cudaDeviceCount() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (name == "cuda") return cudaDevice(name, 0);
  if (name.starts_with("cuda:")) {
    int64_t index = -1;
    const char* end = name.data() + name.size();
    const auto [stop, failure] = std::from_chars(name.data() + 5, end, index);
    if (failure == std::errc() && stop == end && index >= 0 && index < 128) return cudaDevice(name, index);
  }
  throw Error(kConfigError, "device '" + name + "' is not known; use auto, cpu, cuda or cuda:N");
}

at::ScalarType parseDtype(const std::string& name, at::Device device) {
  if (name == "auto") return device.is_cuda() ? at::kBFloat16 : at::kFloat;
  if (name == "float32") return at::kFloat;
  if (name == "bfloat16") return at::kBFloat16;
  if (name == "float16") return at::kHalf;
  throw Error(kConfigError, "dtype '" + name + "' is not known; use auto, float32, bfloat16 or float16");
}

std::string dtypeName(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "float32";
    case at::kBFloat16:
      return "bfloat16";
    case at::kHalf:
      return "float16";
    default:
      return at::toString(dtype);
  }
}

std::vector<CudaDevice> cudaDevices() {
  std::vector<CudaDevice> devices;
  const int64_t count = cudaDeviceCount();
  for (int64_t index = 0; index < count; ++index) {
    CudaDevice device;
    device.index = index;
#ifdef TR0_WITH_CUDA
    describeCudaDevice(device);
#else
    device.name = "CUDA device " + std::to_string(index);
#endif
    devices.push_back(std::move(device));
  }
  return devices;
}

MemoryStats memoryStats() {
  MemoryStats total;
  const int64_t count = cudaDeviceCount();
  if (count == 0) return total;
  auto* allocator = at::getDeviceAllocator(at::kCUDA);
  if (!allocator->initialized()) return total;
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  for (int64_t index = 0; index < count; ++index) {
    const auto stats = allocator->getDeviceStats(static_cast<c10::DeviceIndex>(index));
    total.cudaAllocatedBytes += stats.allocated_bytes[kAll].current;
    total.cudaPeakBytes += stats.allocated_bytes[kAll].peak;
    total.cudaReservedBytes += stats.reserved_bytes[kAll].current;
  }
  return total;
}

BuildInfo buildInfo() {
  BuildInfo info;
  info.libtorchVersion = TORCH_VERSION;
  info.abiCompiled = TORCH_ABI_VERSION;
  info.abiLoaded = aoti_torch_abi_version();
#ifdef TR0_WITH_CUDA
  info.cudaKernels = true;
#endif
  info.cudaArchitectures = TR0_CUDA_ARCHITECTURES;
  return info;
}

}  // namespace toolr0
