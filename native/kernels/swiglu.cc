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

at::Tensor swiglu(const at::Tensor& gateUp) { return reference::swiglu(gateUp); }

at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp) {
  return reference::swigluBackward(dOut, gateUp);
}

}  // namespace toolr0
