#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>

#include "rollout/step_graph.h"

namespace toolr0::cuda {
namespace {

// Graphs of one process share a memory pool: they never run at the same time, and what a recording allocates
// (workspaces of libraries) is not needed after its replay.
at::cuda::MempoolId_t sharedPool() {
  static const at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
  return pool;
}

class CudaStepGraph : public StepGraph {
 public:
  CudaStepGraph(at::Device device, const std::function<void()>& work) : device_(device) {
    const c10::cuda::CUDAGuard guard(device_);
    // Thread-local: other threads of the process may allocate meanwhile.
    graph_.capture_begin(sharedPool(), cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      graph_.capture_end();
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
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<StepGraph> captureStep(at::Device device, const std::function<void()>& work) {
  return std::make_unique<CudaStepGraph>(device, work);
}

}  // namespace toolr0::cuda
