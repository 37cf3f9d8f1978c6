#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "kernels/adamw.h"
#include "kernels/cpu_widen.h"

namespace toolr0::cpu {
namespace {

constexpr int64_t kBlock = 4096;  // numbers updated and narrowed at a time

struct Coefficients {
  // 1 - beta is taken in double: in fp32, 1 - 0.999f is off by 1e-5 of itself.
  float decay, oneMinusBeta1, beta2, oneMinusBeta2, gradientScale, stepSize, inverseRootCorrection2, epsilon;
};

TR0_INLINE void updateBody(float* __restrict p, float* __restrict m, float* __restrict v,
                           const float* __restrict g, int64_t n, const Coefficients& c) {
  for (int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] * c.gradientScale;
    const float first = m[i] + (gradient - m[i]) * c.oneMinusBeta1;
    const float second = v[i] * c.beta2 + c.oneMinusBeta2 * gradient * gradient;
    m[i] = first;
    v[i] = second;
    p[i] = p[i] * c.decay - c.stepSize * first / (std::sqrt(second) * c.inverseRootCorrection2 + c.epsilon);
  }
}
// Narrows what updateBody has just written, while it is still in the cache.
TR0_INLINE void narrowBody(const float* from, at::BFloat16* to, int64_t n) {
  const int64_t whole = n - n % simd::kLanes;
  for (int64_t i = 0; i < whole; i += simd::kLanes) simd::storeNarrow(to + i, simd::load(from + i));
  for (int64_t i = whole; i < n; ++i) to[i] = static_cast<at::BFloat16>(from[i]);
}
TR0_CPU_DISPATCH(narrow, narrowBody, (const float* from, at::BFloat16* to, int64_t n), (from, to, n))
TR0_CPU_DISPATCH(update, updateBody,
                 (float* __restrict p, float* __restrict m, float* __restrict v, const float* __restrict g,
                  int64_t n, const Coefficients& c),
                 (p, m, v, g, n, c))

}  // namespace

void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options) {
  const double correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(options.step));
  const double correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(options.step));
  const Coefficients c{static_cast<float>(1.0 - options.learningRate * options.weightDecay),
                       static_cast<float>(1.0 - options.beta1),
                       static_cast<float>(options.beta2),
                       static_cast<float>(1.0 - options.beta2),
                       static_cast<float>(options.gradientScale),
                       static_cast<float>(options.learningRate / correction1),
                       static_cast<float>(1.0 / std::sqrt(correction2)),
                       static_cast<float>(options.epsilon)};
  float* p = master.data_ptr<float>();
  float* m = firstMoment.data_ptr<float>();
  float* v = secondMoment.data_ptr<float>();
  const float* g = gradient.const_data_ptr<float>();
  const bool narrows = copy.defined() && copy.scalar_type() == at::kBFloat16 && copy.is_contiguous();
  at::BFloat16* narrowed = narrows ? copy.data_ptr<at::BFloat16>() : nullptr;
  at::parallel_for(0, master.numel(), 32768, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += kBlock) {
      const int64_t count = std::min(kBlock, end - first);
      update(p + first, m + first, v + first, g + first, count, c);
      if (narrows) narrow(p + first, narrowed + first, count);
    }
  });
  if (copy.defined() && !narrows) copy.copy_(master);
}

}  // namespace toolr0::cpu
