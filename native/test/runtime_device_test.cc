#include "runtime/device.h"
#include "runtime/error.h"
#include "test/check.h"

using namespace toolr0;

int main() {
  CHECK(parseDevice("cpu").is_cpu());
  CHECK(dtypeName(parseDtype("auto", at::kCPU)) == "float32");
  CHECK(dtypeName(parseDtype("auto", at::Device(at::kCUDA, 0))) == "bfloat16");
  CHECK(dtypeName(parseDtype("float16", at::kCPU)) == "float16");
  CHECK_ERROR(parseDtype("fp8", at::kCPU), kConfigError, "float32, bfloat16");
  for (const char* name : {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999999999999"}) {
    CHECK_ERROR(parseDevice(name), kConfigError, "use auto, cpu, cuda or cuda:N");
  }

  if (cudaDevices().empty()) {
    CHECK(parseDevice("auto").is_cpu());
    CHECK_ERROR(parseDevice("cuda"), kDeviceError, "--device cpu");  // never a silent fall-back
    CHECK_ERROR(parseDevice("cuda:0"), kDeviceError, "--device cpu");
  } else {
    CHECK(parseDevice("auto").is_cuda());
    CHECK(parseDevice("cuda:0").index() == 0);
    CHECK_ERROR(parseDevice("cuda:127"), kDeviceError, "does not exist");
  }
  CHECK(memoryStats().cudaAllocatedBytes == 0);  // nothing was allocated yet

  const BuildInfo build = buildInfo();
  CHECK(build.abiCompiled == build.abiLoaded);
  CHECK(!build.libtorchVersion.empty());
  return check::report();
}
