#include "model/residency.h"

#include <c10/core/GradMode.h>

namespace toolr0 {

void moveTensor(const at::Tensor& tensor, at::Device device) {
  if (!tensor.defined() || tensor.device() == device) return;
  const c10::NoGradGuard noGrad;
  const at::Tensor moved = tensor.to(device);
  tensor.unsafeGetTensorImpl()->shallow_copy_from(moved.getIntrusivePtr());
}

void offloadWeights(Model& model) {
  model.rolloutWorkspace = nullptr;
  model.weights.forEach([](const std::string&, at::Tensor& tensor) { moveTensor(tensor, at::kCPU); });
}

void restoreWeights(Model& model) {
  model.weights.forEach([&](const std::string&, at::Tensor& tensor) { moveTensor(tensor, model.device); });
}

}  // namespace toolr0
