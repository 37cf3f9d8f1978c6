// The row kernels of logprob_head.h for the CPU: two passes over a row of logits (maximum; sums of e and e*x)
// where the ATen composition makes six and materialises the probabilities twice.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu_simd.h"
#include "kernels/logprob_head.h"

namespace toolr0::cpu {
namespace {

using simd::F16;
using simd::kLanes;
constexpr int64_t kBlock = 4096;   // fp32 partial sums stay short, blocks are summed in double
constexpr float kLowest = -1e30f;  // stands for -inf (a masked logit), whose 0 * -inf would be NaN

struct RowSums {
  float maximum = 0;
  double exponentials = 0, weighted = 0;  // sum e^(x-max), sum e^(x-max) (x-max)
  bool finite = true;                     // false: a NaN, a +inf, or nothing but -inf
};

TR0_INLINE void sumRowBody(const float* row, int64_t n, RowSums& out) {
  const int64_t whole = n - n % kLanes;
  F16 top = simd::splat(-std::numeric_limits<float>::infinity());
  simd::I16 isNan{};
  for (int64_t i = 0; i < whole; i += kLanes) {
    const F16 x = simd::load(row + i);
    isNan |= x != x;
    top = simd::maximum(x, top);
  }
  float maximum = simd::maxLanes(top);
  bool anyNan = false;
  for (int lane = 0; lane < kLanes; ++lane) anyNan = anyNan || isNan[lane] != 0;
  for (int64_t i = whole; i < n; ++i) {
    anyNan = anyNan || std::isnan(row[i]);
    maximum = std::max(maximum, row[i]);
  }
  out.maximum = maximum;
  out.finite = !anyNan && std::isfinite(maximum);
  if (!out.finite) return;
  for (int64_t begin = 0; begin < whole; begin += kBlock) {
    const int64_t end = std::min(whole, begin + kBlock);
    F16 e{}, w{};
    for (int64_t i = begin; i < end; i += kLanes) {
      const F16 x = simd::maximum(simd::load(row + i) - maximum, simd::splat(kLowest));
      const F16 ex = simd::expNonPositive(x);
      e += ex;
      w += ex * x;
    }
    out.exponentials += simd::sumLanes(e);
    out.weighted += simd::sumLanes(w);
  }
  for (int64_t i = whole; i < n; ++i) {
    const float x = std::max(row[i] - maximum, kLowest), ex = std::exp(x);
    out.exponentials += ex;
    out.weighted += ex * x;
  }
}
TR0_CPU_DISPATCH(sumRow, sumRowBody, (const float* row, int64_t n, RowSums& out), (row, n, out))

// A logit may exceed lse only by rounding, where expNonPositive is still exact enough.
TR0_INLINE void rowGradientBody(float* row, int64_t n, float lse, float scale) {
  const int64_t whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    simd::store(row + i, simd::expNonPositive(simd::load(row + i) - lse) * -scale);
  }
  for (int64_t i = whole; i < n; ++i) row[i] = std::exp(row[i] - lse) * -scale;
}
TR0_CPU_DISPATCH(rowGradient, rowGradientBody, (float* row, int64_t n, float lse, float scale),
                 (row, n, lse, scale))

int64_t grain(int64_t vocab) {
  return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, vocab));
}

}  // namespace

void logitsToLogprob(const at::Tensor& logits, const at::Tensor& target, at::Tensor& logprobs,
                     at::Tensor& entropy, at::Tensor& lse) {
  const int64_t rows = logits.size(0), vocab = logits.size(1);
  const float* values = logits.const_data_ptr<float>();
  const int64_t* wanted = target.const_data_ptr<int64_t>();
  float *outLogprob = logprobs.data_ptr<float>(), *outEntropy = entropy.data_ptr<float>(),
        *outLse = lse.data_ptr<float>();
  at::parallel_for(0, rows, grain(vocab), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* row = values + i * vocab;
      TORCH_CHECK_INDEX(wanted[i] >= 0 && wanted[i] < vocab, "target token ", wanted[i],
                        " outside the vocabulary");
      RowSums s;
      sumRow(row, vocab, s);
      if (!s.finite) {
        outLse[i] = outLogprob[i] = outEntropy[i] = std::numeric_limits<float>::quiet_NaN();
        continue;
      }
      const double logSum = std::log(s.exponentials);
      outLse[i] = static_cast<float>(s.maximum + logSum);
      outLogprob[i] = static_cast<float>((static_cast<double>(row[wanted[i]]) - s.maximum) - logSum);
      outEntropy[i] = static_cast<float>(logSum - s.weighted / s.exponentials);
    }
  });
}

void logprobToLogitsGradient(at::Tensor& logits, const at::Tensor& target, const at::Tensor& lse,
                             const at::Tensor& dLogprobs) {
  const int64_t rows = logits.size(0), vocab = logits.size(1);
  float* values = logits.data_ptr<float>();
  const int64_t* wanted = target.const_data_ptr<int64_t>();
  const float *normaliser = lse.const_data_ptr<float>(), *scale = dLogprobs.const_data_ptr<float>();
  at::parallel_for(0, rows, grain(vocab), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      rowGradient(values + i * vocab, vocab, normaliser[i], scale[i]);
      values[i * vocab + wanted[i]] += scale[i];
    }
  });
}

}  // namespace toolr0::cpu
