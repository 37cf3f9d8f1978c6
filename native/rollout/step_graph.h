#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <memory>

namespace toolr0 {

// A sequence of kernels recorded once and run again with one launch. What is recorded must not allocate, must
// not wait for the device and finds its tensors again at the same addresses.
class StepGraph {
 public:
  virtual ~StepGraph() = default;
  virtual void replay() = 0;
};

// Records `work` without running it, on the current stream (CUDA: not the default one, and the same work must
// have run on it before, so that libraries have made their workspaces). Where there are no graphs (CPU), the
// function itself is kept.
std::unique_ptr<StepGraph> captureStep(at::Device device, std::function<void()> work);

#ifdef TR0_WITH_CUDA
namespace cuda {
std::unique_ptr<StepGraph> captureStep(at::Device device, const std::function<void()>& work);
}
#endif

}  // namespace toolr0
