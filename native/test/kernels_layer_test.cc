// RMSNorm, RoPE and SwiGLU: the CPU paths against their ATen references, and the references' backward against
// autograd.
#include <ATen/Parallel.h>

#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/swiglu.h"

// After ATen, whose logging header has a CHECK of its own.
#include "check.h"

using namespace toolr0;

namespace {

double relative(const at::Tensor& got, const at::Tensor& expected) {
  const at::Tensor a = got.to(at::kDouble), b = expected.to(at::kDouble);
  return (a - b).abs().max().item<double>() / (1e-30 + b.abs().max().item<double>());
}

at::Tensor random(std::vector<int64_t> shape, at::ScalarType type) {
  return at::randn(shape).to(type);
}

void checkRmsNorm(at::ScalarType type, std::vector<int64_t> shape, double tolerance) {
  const at::Tensor x = random(shape, type), dy = random(shape, type);
  const at::Tensor weight = (random({shape.back()}, at::kFloat) + 1).to(type);
  at::Tensor rstd, expectedRstd;
  const at::Tensor y = rmsNorm(x, weight, 1e-6, rstd);
  const at::Tensor expected = reference::rmsNorm(x, weight, 1e-6, expectedRstd);
  CHECK(y.sizes() == x.sizes() && y.scalar_type() == type && rstd.sizes() == expectedRstd.sizes());
  CHECK(relative(y, expected) < tolerance);
  CHECK(relative(rstd, expectedRstd) < 1e-6);
  at::Tensor dWeight = at::ones({shape.back()}), expectedDWeight = at::ones({shape.back()});
  const at::Tensor dx = rmsNormBackward(dy, x, weight, rstd, dWeight);
  const at::Tensor expectedDx = reference::rmsNormBackward(dy, x, weight, rstd, expectedDWeight);
  CHECK(relative(dx, expectedDx) < tolerance);
  CHECK(relative(dWeight, expectedDWeight) < 1e-5);
}

void checkRmsNormGradient() {
  const at::Tensor dy = at::randn({7, 20});
  at::Tensor x = at::randn({7, 20}).set_requires_grad(true), weight = at::randn({20}).set_requires_grad(true);
  (x * (x.square().mean(-1, true) + 1e-6).rsqrt() * weight * dy).sum().backward();
  at::Tensor rstd, dWeight = at::zeros({20});
  rmsNorm(x.detach(), weight.detach(), 1e-6, rstd);
  const at::Tensor dx = reference::rmsNormBackward(dy, x.detach(), weight.detach(), rstd, dWeight);
  CHECK(relative(dx, x.grad()) < 1e-5);
  CHECK(relative(dWeight, weight.grad()) < 1e-5);
}

void checkRope(at::ScalarType type, int64_t dim, double tolerance) {
  const at::Tensor angles = at::rand({50, dim / 2}) * 6;
  const at::Tensor cos = angles.cos(), sin = angles.sin();
  const at::Tensor positions = at::randint(50, {33}, at::kLong);
  const at::Tensor fused = random({33, 9, dim}, type);  // a strided view, as the fused projection gives
  at::Tensor x = fused.clone().narrow(1, 1, 6), expected = fused.clone().narrow(1, 1, 6);
  const at::Tensor before = x.clone();
  ropeInPlace(x, positions, cos, sin);
  reference::ropeInPlace(expected, positions, cos, sin);
  CHECK(relative(x, expected) < tolerance);
  CHECK(relative(x, before) > 0.1);
  ropeInPlace(x, positions, cos, sin, /*inverse=*/true);
  CHECK(relative(x, before) < 4 * tolerance);
}

void checkRopeMeaning() {
  // Two dimensions: a rotation of the plane by the angle.
  at::Tensor x = at::tensor({3.0f, 4.0f}).view({1, 1, 2});
  const at::Tensor angle = at::tensor({0.0f, 0.5f}).view({2, 1});
  ropeInPlace(x, at::tensor(std::vector<int64_t>{1}, at::kLong), angle.cos(), angle.sin());
  CHECK_NEAR(x[0][0][0].item<double>(), 3 * std::cos(0.5) - 4 * std::sin(0.5), 1e-6);
  CHECK_NEAR(x[0][0][1].item<double>(), 4 * std::cos(0.5) + 3 * std::sin(0.5), 1e-6);
  bool refused = false;
  try {
    ropeInPlace(x, at::tensor(std::vector<int64_t>{2}, at::kLong), angle.cos(), angle.sin());
  } catch (const c10::Error&) {
    refused = true;
  }
  CHECK(refused);
}

void checkSwiglu(at::ScalarType type, int64_t n, double tolerance) {
  const at::Tensor gateUp = (random({19, 2 * n}, at::kFloat) * 4).to(type), dOut = random({19, n}, type);
  CHECK(relative(swiglu(gateUp), reference::swiglu(gateUp)) < tolerance);
  CHECK(relative(swigluBackward(dOut, gateUp), reference::swigluBackward(dOut, gateUp)) < tolerance);
}

void checkSwigluGradient() {
  const at::Tensor dOut = at::randn({5, 18});
  at::Tensor gateUp = at::randn({5, 36}).set_requires_grad(true);
  (at::silu(gateUp.narrow(1, 0, 18)) * gateUp.narrow(1, 18, 18) * dOut).sum().backward();
  CHECK(relative(reference::swigluBackward(dOut, gateUp.detach()), gateUp.grad()) < 1e-5);
  // Far from zero the sigmoid saturates; nothing may overflow, and NaN must pass through.
  const at::Tensor extreme = at::tensor({-1e30f, -200.0f, 0.0f, 200.0f, 1e30f}).repeat({8}).view({1, 40});
  const at::Tensor out = swiglu(at::cat({extreme, at::ones({1, 40})}, 1));
  CHECK(out.isfinite().all().item<bool>());
  CHECK(relative(out, extreme.clamp_min(0)) < 1e-6);
  CHECK(swiglu(at::full({1, 64}, NAN)).isnan().all().item<bool>());
}

}  // namespace

int main() {
  at::manual_seed(7);
  at::set_num_threads(2);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    // A bf16 result may fall on the other side of a rounding boundary: one unit in the last place is 2^-8.
    const double tolerance = type == at::kFloat ? 1e-6 : 1.0 / 128;
    checkRmsNorm(type, {300, 128}, 2 * tolerance);
    checkRmsNorm(type, {37, 4, 20}, 2 * tolerance);
    checkRmsNorm(type, {1, 5}, 2 * tolerance);
    for (const int64_t dim : {6, 32, 64, 128}) checkRope(type, dim, tolerance);
    for (const int64_t n : {5, 64, 100}) checkSwiglu(type, n, tolerance);
  }
  checkRmsNormGradient();
  checkRopeMeaning();
  checkSwigluGradient();
  return check::report();
}
