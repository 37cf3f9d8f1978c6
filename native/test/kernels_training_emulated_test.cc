// The CUDA kernels of the trainer, compiled as C++ and run on the CPU, against their references.
#include "emulated_kernels.h"
#include "kernels/adamw.cu"
#include "kernels/adamw.h"
#include "kernels/group_advantages.cu"
#include "kernels/group_advantages.h"
#include "kernels/logprob_head.h"
#include "kernels/logprob_rows.cu"
#include "kernels/rms_norm.cu"
#include "kernels/rms_norm.h"
#include "kernels/rope.cu"
#include "kernels/rope.h"
#include "kernels/swiglu.cu"
#include "kernels/swiglu.h"

namespace {
using namespace toolr0;
using check::data;

template <typename T>
double tolerance() {
  return std::is_same_v<T, float> ? 2e-5 : 1.6e-2;
}

template <typename T>
void checkRmsNorm(int64_t rows, int64_t n) {
  const at::ScalarType type = check::scalarType<T>();
  const at::Tensor x = at::randn({rows, n}).to(type), weight = at::randn({n}).to(type),
                   dy = at::randn({rows, n}).to(type);
  at::Tensor rstd, dWeight = at::randn({n});
  const at::Tensor before = dWeight.clone(), y = reference::rmsNorm(x, weight, 1e-6, rstd);
  const at::Tensor dx = reference::rmsNormBackward(dy, x, weight, rstd, dWeight);
  at::Tensor gotRstd = at::empty({rows});
  const at::Tensor got = check::inBothOrders([&] {
    at::Tensor out = at::full({rows, n}, NAN, type);
    emulated_cuda::launchRmsNorm(data<const T>(x), data<const T>(weight), 1e-6f, data<T>(out),
                                 data<float>(gotRstd), rows, n, nullptr);
    return out;
  });
  CHECK_NEAR(check::relativeError(got, y), 0, tolerance<T>());
  CHECK_NEAR(check::relativeError(gotRstd, rstd), 0, 1e-5);
  at::Tensor gotWeight;
  const at::Tensor gotDx = check::inBothOrders([&] {
    gotWeight = before.clone();
    at::Tensor out = at::full({rows, n}, NAN, type);
    const at::Tensor partial = at::full({emulated_cuda::rmsNormBackwardBlocks(rows), n}, NAN);
    emulated_cuda::launchRmsNormBackward(data<const T>(dy), data<const T>(x), data<const T>(weight),
                                         data<const float>(rstd), data<T>(out), data<float>(partial),
                                         data<float>(gotWeight), rows, n, nullptr);
    return out;
  });
  CHECK_NEAR(check::relativeError(gotDx, dx), 0, tolerance<T>());
  CHECK_NEAR(check::relativeError(gotWeight, dWeight), 0, tolerance<T>() * 5);
}

template <typename T>
void checkRope(bool inverse) {
  const at::Tensor angles = at::rand({50, 10}) * 6, cos = angles.cos(), sin = angles.sin();
  const at::Tensor positions = at::tensor({0L, 49L, 7L}, at::kLong);
  const at::Tensor start = at::randn({3, 9, 20}).to(check::scalarType<T>());
  at::Tensor expected = start.clone(), part = expected.narrow(1, 0, 5);  // a strided view
  reference::ropeInPlace(part, positions, cos, sin, inverse);
  const at::Tensor got = check::inBothOrders([&] {
    at::Tensor x = start.clone();
    emulated_cuda::launchRope(data<T>(x), data<const int64_t>(positions), data<const float>(cos),
                              data<const float>(sin), 3, 5, 20, x.stride(0), x.stride(1), inverse, nullptr);
    return x;
  });
  CHECK_NEAR(check::relativeError(got, expected), 0, tolerance<T>());
}

template <typename T>
void checkSwiglu() {
  const at::Tensor gateUp = (at::randn({4, 2 * 77}) * 3).to(check::scalarType<T>());
  const at::Tensor dOut = at::randn({4, 77}).to(check::scalarType<T>());
  const at::Tensor out = check::inBothOrders([&] {
    at::Tensor y = at::full({4, 77}, NAN, gateUp.options());
    emulated_cuda::launchSwiglu(data<const T>(gateUp), data<T>(y), 4, 77, nullptr);
    return y;
  });
  CHECK_NEAR(check::relativeError(out, reference::swiglu(gateUp)), 0, tolerance<T>());
  const at::Tensor back = check::inBothOrders([&] {
    at::Tensor d = at::full(gateUp.sizes(), NAN, gateUp.options());
    emulated_cuda::launchSwigluBackward(data<const T>(dOut), data<const T>(gateUp), data<T>(d), 4, 77,
                                        nullptr);
    return d;
  });
  CHECK_NEAR(check::relativeError(back, reference::swigluBackward(dOut, gateUp)), 0, tolerance<T>());
}

void checkLogprobRows(int64_t vocab) {
  const at::Tensor logits = at::randn({5, vocab}) * 4, target = at::randint(0, vocab, {5}, at::kLong);
  const at::Tensor dLogprobs = at::randn({5});
  at::Tensor logprobs = at::empty({5}), entropy = at::empty({5}), lse = at::empty({5}),
             expected = logits.clone();
  reference::logitsToLogprob(logits, target, logprobs, entropy, lse);
  reference::logprobToLogitsGradient(expected, target, lse, dLogprobs);
  at::Tensor out[3] = {at::empty({5}), at::empty({5}), at::empty({5})};
  check::inBothOrders([&] {
    emulated_cuda::launchLogitsToLogprob(data<const float>(logits), data<const int64_t>(target),
                                         data<float>(out[0]), data<float>(out[1]), data<float>(out[2]), 5,
                                         vocab, nullptr);
    return at::cat({out[0], out[1], out[2]});
  });
  CHECK_NEAR(check::relativeError(out[0], logprobs), 0, 1e-5);
  CHECK_NEAR(check::relativeError(out[1], entropy), 0, 1e-5);
  CHECK_NEAR(check::relativeError(out[2], lse), 0, 1e-5);
  const at::Tensor gradient = check::inBothOrders([&] {
    at::Tensor x = logits.clone();
    emulated_cuda::launchLogprobToLogitsGradient(data<float>(x), data<const int64_t>(target),
                                                 data<const float>(lse), data<const float>(dLogprobs), 5,
                                                 vocab, nullptr);
    return x;
  });
  CHECK_NEAR(check::relativeError(gradient, expected), 0, 1e-5);
}

void checkAdamW() {
  const int64_t n = 1000;
  AdamWOptions options;
  options.learningRate = 0.01;
  options.weightDecay = 0.1;
  options.gradientScale = 0.5;
  options.step = 3;
  at::Tensor master = at::randn({n}), m = at::randn({n}) * 0.1, v = at::rand({n}), g = at::randn({n});
  at::Tensor gotMaster = master.clone(), gotM = m.clone(), gotV = v.clone(),
             gotCopy = at::zeros({n}, at::kBFloat16);
  at::Tensor copy = gotCopy.clone();
  const emulated_cuda::AdamWParameters parameters{0.01f,
                                                  0.9f,
                                                  0.999f,
                                                  1e-8f,
                                                  0.1f,
                                                  0.5f,
                                                  1.0f - std::pow(0.9f, 3.0f),
                                                  std::sqrt(1.0f - std::pow(0.999f, 3.0f))};
  emulated_cuda::launchAdamW(data<float>(gotMaster), data<float>(gotM), data<float>(gotV),
                             data<const float>(g), data<__nv_bfloat16>(gotCopy), parameters, n, nullptr);
  reference::adamwStep(master, m, v, g, copy, options);
  CHECK_NEAR(check::relativeError(gotMaster, master), 0, 1e-4);  // the correction sqrt(1 - 0.999^3) in fp32
  CHECK_NEAR(check::relativeError(gotM, m), 0, 1e-6);
  CHECK_NEAR(check::relativeError(gotV, v), 0, 1e-6);
  CHECK(at::equal(gotCopy, gotMaster.to(at::kBFloat16)));
}

template <typename T>
void checkGroupAdvantages(at::ScalarType type) {
  for (const int64_t size : {2, 8, 40}) {
    at::Tensor rewards = at::randint(0, 5, {6 * size}).to(type);
    rewards.narrow(0, 0, size).fill_(0.1);         // equal: exactly zero
    rewards.narrow(0, size, size - 1).fill_(NAN);  // one scored row
    rewards[3 * size] = NAN;
    for (const bool scale : {false, true}) {
      at::Tensor expectedStd, std = at::empty_like(rewards);
      const at::Tensor expected = reference::groupAdvantages(rewards, size, scale, expectedStd);
      const at::Tensor got = check::inBothOrders([&] {
        at::Tensor out = at::full_like(rewards, NAN);
        emulated_cuda::launchGroupAdvantages(data<const T>(rewards), data<T>(out), data<T>(std), 6, size,
                                             scale, nullptr);
        return out;
      });
      CHECK_NEAR(check::relativeError(got, expected), 0, 1e-5);
      CHECK(got.narrow(0, 0, size).eq(0).all().template item<bool>());
    }
  }
}

}  // namespace

int main() {
  if (check::emulationIsOff()) return 77;
  at::manual_seed(6);
  for (const int64_t n : {20, 896}) {
    checkRmsNorm<float>(300, n);  // more rows than blocks of the backward
    checkRmsNorm<__nv_bfloat16>(5, n);
  }
  for (const bool inverse : {false, true}) {
    checkRope<float>(inverse);
    checkRope<__nv_bfloat16>(inverse);
  }
  checkSwiglu<float>();
  checkSwiglu<__nv_bfloat16>();
  for (const int64_t vocab : {1, 31, 5000}) checkLogprobRows(vocab);
  checkAdamW();
  checkGroupAdvantages<float>(at::kFloat);
  checkGroupAdvantages<double>(at::kDouble);
  return check::report();
}
