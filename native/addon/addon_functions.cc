#include "addon/addon_functions.h"

#include <cstdio>

#include "addon/errors.h"
#include "addon/loss_functions.h"
#include "addon/results.h"
#include "runtime/compute_thread.h"
#include "runtime/device.h"
#include "runtime/host_memory.h"
#include "runtime/threads.h"

namespace toolr0::addon {
namespace {

std::string hexadecimal(uint64_t value) {
  char text[19];
  std::snprintf(text, sizeof(text), "0x%016llx", static_cast<unsigned long long>(value));
  return text;
}

Napi::Value describeBuild(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const BuildInfo build = buildInfo();
    Napi::Object result = Napi::Object::New(env);
    result.Set("libtorchVersion", build.libtorchVersion);
    result.Set("abiCompiled", hexadecimal(build.abiCompiled));
    result.Set("abiLoaded", hexadecimal(build.abiLoaded));
    result.Set("cudaKernels", Napi::Boolean::New(env, build.cudaKernels));
    result.Set("cudaArchitectures", build.cudaArchitectures);
    return result;
  });
}

Napi::Value listCudaDevices(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto devices = cudaDevices();
    Napi::Array result = Napi::Array::New(env, devices.size());
    for (uint32_t index = 0; index < devices.size(); ++index) {
      Napi::Object device = Napi::Object::New(env);
      device.Set("index", toNumber(env, devices[index].index));
      device.Set("name", devices[index].name);
      device.Set("totalBytes", toNumber(env, devices[index].totalBytes));
      device.Set("freeBytes", toNumber(env, devices[index].freeBytes));
      device.Set("capability", devices[index].capability);
      result.Set(index, device);
    }
    return result;
  });
}

Napi::Value readMemoryStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const MemoryStats stats = memoryStats();
    Napi::Object result = Napi::Object::New(env);
    result.Set("cudaAllocatedBytes", toNumber(env, stats.cudaAllocatedBytes));
    result.Set("cudaPeakBytes", toNumber(env, stats.cudaPeakBytes));
    result.Set("cudaReservedBytes", toNumber(env, stats.cudaReservedBytes));
    const HostMemoryStats host = hostMemoryStats();
    result.Set("hostBytes", toNumber(env, host.usedBytes));
    result.Set("hostPeakBytes", toNumber(env, host.peakBytes));
    result.Set("hostRetainedBytes", toNumber(env, host.retainedBytes));
    return result;
  });
}

Napi::Value setThreads(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const int64_t threads = integer(info[0], "threads", 0, 1024);
    ComputeThread::instance().post(nullptr, nullptr, [threads] { setComputeThreads(threads); });
    return env.Undefined();
  });
}

Napi::Value stopComputeThread(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const std::chrono::milliseconds timeout(integer(info[0], "timeoutMs", 0, 600000));
    return Napi::Boolean::New(env, ComputeThread::instance().stop(timeout));
  });
}

Napi::Value leaveAtOnce(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    ComputeThread::leaveAtOnce(static_cast<int>(integer(info[0], "exitCode", 0, 255)));
  });
}

}  // namespace

void defineFunctions(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("buildInfo", describeBuild);
  define("cudaDevices", listCudaDevices);
  define("memoryStats", readMemoryStats);
  define("setThreads", setThreads);
  define("stopComputeThread", stopComputeThread);
  define("leaveAtOnce", leaveAtOnce);
  define("grpoAdvantages", grpoAdvantagesOfArrays);
  define("grpoLoss", grpoLossOfArrays);
}

}  // namespace toolr0::addon
