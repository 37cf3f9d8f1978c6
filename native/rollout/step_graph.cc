#include "rollout/step_graph.h"

#include <utility>

namespace toolr0 {
namespace {

class KeptFunction : public StepGraph {
 public:
  explicit KeptFunction(std::function<void()> work) : work_(std::move(work)) {}
  void replay() override { work_(); }

 private:
  std::function<void()> work_;
};

}  // namespace

std::unique_ptr<StepGraph> captureStep(at::Device device, std::function<void()> work) {
#ifdef TR0_WITH_CUDA
  if (device.is_cuda()) return cuda::captureStep(device, work);
#endif
  return std::make_unique<KeptFunction>(std::move(work));
}

}  // namespace toolr0
