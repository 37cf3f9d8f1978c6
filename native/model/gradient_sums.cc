#include "model/gradient_sums.h"

#include <ATen/Parallel.h>

#include "kernels/bf16_product.h"
#include "kernels/linear_bf16.h"

namespace toolr0 {

void addWeightGradient(at::Tensor& sum, const at::Tensor& dy, const at::Tensor& x) {
  if (x.scalar_type() == at::kFloat) {
    sum.addmm_(dy.t(), x);
  } else if (x.is_cuda()) {
    // Not addmm with an fp32 output: libtorch versions differ in whether it takes an fp32 addend beside
    // 16-bit factors.
    sum.add_(at::mm(dy.t(), x, at::kFloat));
  } else if (x.scalar_type() == at::kBFloat16 && cpu::hasAmx() && dy.stride(1) == 1 && x.stride(1) == 1) {
    cpu::addTransposedProduct(sum, dy, x);
  } else {
    // libtorch's 16-bit product rounds its result to 16 bits; the sum over micro-batches stays fp32.
    sum.add_(at::mm(dy.t(), x));
  }
}

void addBiasGradient(at::Tensor& sum, const at::Tensor& dy) {
  if (sum.defined()) sum.add_(dy.sum({0}, /*keepdim=*/false, at::kFloat));
}

void addEmbeddingGradient(at::Tensor& sum, const at::Tensor& tokens, const at::Tensor& d) {
  const at::Tensor wide = d.to(at::kFloat).contiguous();
  if (!sum.is_cpu()) {
    sum.index_add_(0, tokens, wide);
    return;
  }
  // index_add_ costs a tensor operation per token here. Columns are split over threads, so the order of sums
  // is fixed.
  const at::Tensor ids = tokens.contiguous();
  const int64_t count = ids.numel(), hidden = sum.size(1);
  const int64_t* id = ids.const_data_ptr<int64_t>();
  const float* source = wide.const_data_ptr<float>();
  float* target = sum.data_ptr<float>();
  at::parallel_for(0, hidden, 64, [&](int64_t begin, int64_t end) {
    for (int64_t t = 0; t < count; ++t) {
      float* to = target + id[t] * hidden;
      const float* from = source + t * hidden;
      for (int64_t i = begin; i < end; ++i) to[i] += from[i];
    }
  });
}

}  // namespace toolr0
