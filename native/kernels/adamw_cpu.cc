#include <ATen/Parallel.h>

#include <cmath>

#include "kernels/adamw.h"
#include "kernels/cpu_simd.h"

namespace toolr0::cpu {
namespace {

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
  at::parallel_for(0, master.numel(), 32768, [&](int64_t begin, int64_t end) {
    update(p + begin, m + begin, v + begin, g + begin, end - begin, c);
  });
  if (copy.defined()) copy.copy_(master);
}

}  // namespace toolr0::cpu
