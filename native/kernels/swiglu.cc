#include "kernels/swiglu.h"

namespace toolr0 {
namespace reference {

at::Tensor swiglu(const at::Tensor& gateUp) {
  const int64_t n = gateUp.size(-1) / 2;
  const at::Tensor gate = gateUp.narrow(-1, 0, n).to(at::kFloat);
  const at::Tensor up = gateUp.narrow(-1, n, n).to(at::kFloat);
  return (gate * at::sigmoid(gate) * up).to(gateUp.scalar_type());
}

at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp) {
  const int64_t n = gateUp.size(-1) / 2;
  const at::Tensor gate = gateUp.narrow(-1, 0, n).to(at::kFloat);
  const at::Tensor up = gateUp.narrow(-1, n, n).to(at::kFloat);
  const at::Tensor d = dOut.to(at::kFloat);
  const at::Tensor sigmoid = at::sigmoid(gate);
  const at::Tensor dGate = d * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
  const at::Tensor dUp = d * gate * sigmoid;
  return at::cat({dGate, dUp}, -1).to(gateUp.scalar_type());
}

}  // namespace reference

namespace {

bool suitsCpuPath(const at::Tensor& x) {
  return x.is_cpu() && x.is_contiguous() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace

at::Tensor swiglu(const at::Tensor& gateUp) {
#ifdef TR0_WITH_CUDA
  if (gateUp.is_cuda()) return cuda::swiglu(gateUp);
#endif
  return suitsCpuPath(gateUp) ? cpu::swiglu(gateUp) : reference::swiglu(gateUp);
}

at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp) {
#ifdef TR0_WITH_CUDA
  if (gateUp.is_cuda()) return cuda::swigluBackward(dOut, gateUp);
#endif
  return suitsCpuPath(gateUp) && suitsCpuPath(dOut) && dOut.scalar_type() == gateUp.scalar_type()
             ? cpu::swigluBackward(dOut, gateUp)
             : reference::swigluBackward(dOut, gateUp);
}

}  // namespace toolr0
