#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace toolr0 {

// Nearest semi-orthogonal matrix to g [rows, cols], roughly: five quintic Newton–Schulz steps (Jordan et al.,
// 2024) bring all singular values near 1 (0.7–1.2). fp32 on the CPU, bf16 inside on CUDA, as published.
at::Tensor orthogonalize(const at::Tensor& g);

struct MuonOptions {
  double learningRate = 0.02, momentum = 0.95, weightDecay = 0.0;
  double gradientScale = 1.0;  // clip factor
};

// One Muon step with Nesterov momentum and decoupled weight decay, in place. `slices` are the (first row,
// rows) of the matrices that were fused into `master`: q, k and v are three matrices, and orthogonalising
// their stack would mix them.
void muonStep(at::Tensor& master, at::Tensor& momentum, const at::Tensor& gradient,
              const std::vector<std::pair<int64_t, int64_t>>& slices, const MuonOptions& options);

}  // namespace toolr0
