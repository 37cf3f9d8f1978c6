#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>

#include <map>
#include <memory>

#include "rollout/step_graph.h"

namespace toolr0::cuda {
namespace {

// Graphs of one process share a memory pool: they never run at the same time, and what a recording allocates
// (workspaces of libraries) is not needed after its replay.
// An id must not be used again once its last graph is gone (the allocator asserts), so it lives with them;
// one per device, because the allocator counts per device.
using Pool = std::shared_ptr<const at::cuda::MempoolId_t>;
Pool sharedPool(c10::DeviceIndex device) {
  static std::map<c10::DeviceIndex, std::weak_ptr<const at::cuda::MempoolId_t>> pools;  // compute thread only
  Pool pool = pools[device].lock();
  if (!pool)
    pools[device] = pool = std::make_shared<const at::cuda::MempoolId_t>(at::cuda::graph_pool_handle());
  return pool;
}

class CudaStepGraph : public StepGraph {
 public:
  CudaStepGraph(at::Device device, const std::function<void()>& work) : device_(device) {
    const c10::cuda::CUDAGuard guard(device_);
    pool_ = sharedPool(c10::cuda::current_device());
    // Thread-local: other threads of the process may allocate meanwhile.
    graph_.capture_begin(*pool_, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      try {
        graph_.capture_end();
      } catch (const c10::Error&) {  // the first error is the one to tell
      }
      throw;
    }
    graph_.capture_end();
  }
  void replay() override {
    const c10::cuda::CUDAGuard guard(device_);
    graph_.replay();
  }

 private:
  at::Device device_;
  Pool pool_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<StepGraph> captureStep(at::Device device, const std::function<void()>& work) {
  return std::make_unique<CudaStepGraph>(device, work);
}

}  // namespace toolr0::cuda
