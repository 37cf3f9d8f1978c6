#include "grpo/muon.h"

#include <algorithm>
#include <cmath>

namespace toolr0 {

at::Tensor orthogonalize(const at::Tensor& g) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  const bool tall = g.size(0) > g.size(1);
  at::Tensor x = tall ? g.t() : g;  // the Gram matrix below is then the smaller one
  x = x / (x.norm() + 1e-7);        // singular values must start at or below 1
  if (x.is_cuda()) x = x.to(at::kBFloat16);
  for (int step = 0; step < 5; ++step) {
    const at::Tensor gram = at::mm(x, x.t());
    const at::Tensor polynomial = at::addmm(gram, gram, gram, b, c);
    x = at::addmm(x, polynomial, x, a);
  }
  x = x.to(g.scalar_type());
  return tall ? x.t() : x;
}

void muonStep(at::Tensor& master, at::Tensor& momentum, const at::Tensor& gradient,
              const std::vector<std::pair<int64_t, int64_t>>& slices, const MuonOptions& options) {
  momentum.mul_(options.momentum).add_(gradient, options.gradientScale);
  const at::Tensor lookahead = at::add(gradient * options.gradientScale, momentum, options.momentum);
  master.mul_(1.0 - options.learningRate * options.weightDecay);
  for (const auto& [first, rows] : slices) {
    const at::Tensor update = orthogonalize(lookahead.narrow(0, first, rows));
    const double aspect = static_cast<double>(rows) / static_cast<double>(master.size(1));
    master.narrow(0, first, rows).add_(update, -options.learningRate * std::sqrt(std::max(1.0, aspect)));
  }
}

}  // namespace toolr0
