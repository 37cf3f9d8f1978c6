#pragma once
// The CPU sampler for one row of logits, for code that divides the rows itself.
#include <cstdint>
#include <vector>

#include "kernels/sampler.h"

namespace toolr0::cpu {

struct SamplerCandidate {
  float weight;
  int32_t token;
};
// Kept between rows; one per thread.
struct SamplerScratch {
  std::vector<float> weights;     // [vocab] e^((x − max)/T), 0 = filtered out
  std::vector<double> chunkSums;  // sums of the weights by chunk
  std::vector<float> order;
  std::vector<SamplerCandidate> heap;
};

// One row of sample(): logits x [n], uniform in [0, 1). False, and nothing drawn, if x holds a NaN, a +inf or
// nothing but -inf.
bool sampleRow(const float* x, int64_t n, const SamplerOptions& options, double uniform,
               SamplerScratch& scratch, int64_t& token, float& logprob);
// The error of sample() for such a row.
[[noreturn]] void throwInvalidLogits(int64_t row);

}  // namespace toolr0::cpu
