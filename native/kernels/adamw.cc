#include "kernels/adamw.h"

#include <cmath>

namespace toolr0 {
#if TR0_WITH_CUDA
namespace cuda {
void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options);
}
#endif
namespace cpu {
void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options);
}

void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options) {
#if TR0_WITH_CUDA
  if (master.is_cuda()) return cuda::adamwStep(master, firstMoment, secondMoment, gradient, copy, options);
#endif
  const bool flat = master.is_cpu() && master.is_contiguous() && firstMoment.is_contiguous() &&
                    secondMoment.is_contiguous() && gradient.is_contiguous();
  if (flat) return cpu::adamwStep(master, firstMoment, secondMoment, gradient, copy, options);
  reference::adamwStep(master, firstMoment, secondMoment, gradient, copy, options);
}

namespace reference {
void adamwStep(at::Tensor& master, at::Tensor& firstMoment, at::Tensor& secondMoment,
               const at::Tensor& gradient, at::Tensor& copy, const AdamWOptions& options) {
  const double correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(options.step));
  const double correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(options.step));
  const at::Tensor scaled = gradient * options.gradientScale;
  master.mul_(1.0 - options.learningRate * options.weightDecay);
  firstMoment.lerp_(scaled, 1.0 - options.beta1);
  secondMoment.mul_(options.beta2).addcmul_(scaled, scaled, 1.0 - options.beta2);
  const at::Tensor denominator = secondMoment.sqrt().div_(std::sqrt(correction2)).add_(options.epsilon);
  master.addcdiv_(firstMoment, denominator, -options.learningRate / correction1);
  if (copy.defined()) copy.copy_(master);
}
}  // namespace reference
}  // namespace toolr0
