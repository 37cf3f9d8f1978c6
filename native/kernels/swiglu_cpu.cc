#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu_widen.h"
#include "kernels/swiglu.h"

namespace toolr0::cpu {
namespace {

using simd::laneCount;
using simd::loadWide;

TR0_INLINE float sigmoidScalar(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

template <typename V, typename T>
TR0_INLINE void forwardBody(const T* gateUp, T* out, int64_t rows, int64_t n) {
  constexpr int64_t kLanes = laneCount<V>();
  const int64_t whole = n - n % kLanes;
  for (int64_t row = 0; row < rows; ++row, gateUp += 2 * n, out += n) {
    const T* up = gateUp + n;
    for (int64_t i = 0; i < whole; i += kLanes) {
      const V gate = loadWide<V>(gateUp + i);
      simd::storeNarrow(out + i, gate * simd::sigmoid(gate) * loadWide<V>(up + i));
    }
    for (int64_t i = whole; i < n; ++i) {
      const float gate = static_cast<float>(gateUp[i]);
      out[i] = static_cast<T>(gate * sigmoidScalar(gate) * static_cast<float>(up[i]));
    }
  }
}

template <typename V, typename T>
TR0_INLINE void backwardBody(const T* dOut, const T* gateUp, T* dGateUp, int64_t rows, int64_t n) {
  constexpr int64_t kLanes = laneCount<V>();
  const int64_t whole = n - n % kLanes;
  for (int64_t row = 0; row < rows; ++row, dOut += n, gateUp += 2 * n, dGateUp += 2 * n) {
    const T* ups = gateUp + n;
    T* dUp = dGateUp + n;
    for (int64_t i = 0; i < whole; i += kLanes) {
      const V d = loadWide<V>(dOut + i), gate = loadWide<V>(gateUp + i), up = loadWide<V>(ups + i);
      const V s = simd::sigmoid(gate);
      simd::storeNarrow(dGateUp + i, d * up * s * (gate * (1.0f - s) + 1.0f));
      simd::storeNarrow(dUp + i, d * gate * s);
    }
    for (int64_t i = whole; i < n; ++i) {
      const float d = static_cast<float>(dOut[i]), gate = static_cast<float>(gateUp[i]),
                  up = static_cast<float>(ups[i]);
      const float s = sigmoidScalar(gate);
      dGateUp[i] = static_cast<T>(d * up * s * (gate * (1.0f - s) + 1.0f));
      dUp[i] = static_cast<T>(d * gate * s);
    }
  }
}

#define TR0_SWIGLU(suffix, T)                                                                              \
  TR0_CPU_DISPATCH_LANES(forward##suffix, forwardBody, (const T* gateUp, T* out, int64_t rows, int64_t n), \
                         (gateUp, out, rows, n))                                                           \
  TR0_CPU_DISPATCH_LANES(backward##suffix, backwardBody,                                                   \
                         (const T* dOut, const T* gateUp, T* dGateUp, int64_t rows, int64_t n),            \
                         (dOut, gateUp, dGateUp, rows, n))
TR0_SWIGLU(Float, float)
TR0_SWIGLU(BFloat16, at::BFloat16)

// Calls fn(first row, rows) for ranges of rows worth a thread each.
template <typename Fn>
void overRows(int64_t rows, int64_t n, const Fn& fn) {
  at::parallel_for(0, rows, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, n)),
                   [&](int64_t begin, int64_t end) { fn(begin, end - begin); });
}

}  // namespace

at::Tensor swiglu(const at::Tensor& gateUp) {
  const int64_t rows = gateUp.size(0), n = gateUp.size(1) / 2;
  at::Tensor out = at::empty({rows, n}, gateUp.options());
  const auto apply = [&](auto run, auto* from, auto* to) {
    overRows(rows, n,
             [&](int64_t first, int64_t count) { run(from + first * 2 * n, to + first * n, count, n); });
  };
  if (gateUp.scalar_type() == at::kFloat) {
    apply(forwardFloat, gateUp.const_data_ptr<float>(), out.data_ptr<float>());
  } else {
    apply(forwardBFloat16, gateUp.const_data_ptr<at::BFloat16>(), out.data_ptr<at::BFloat16>());
  }
  return out;
}

at::Tensor swigluBackward(const at::Tensor& dOut, const at::Tensor& gateUp) {
  const int64_t rows = gateUp.size(0), n = gateUp.size(1) / 2;
  at::Tensor dGateUp = at::empty_like(gateUp);
  const auto apply = [&](auto run, auto* d, auto* from, auto* to) {
    overRows(rows, n, [&](int64_t first, int64_t count) {
      run(d + first * n, from + first * 2 * n, to + first * 2 * n, count, n);
    });
  };
  if (gateUp.scalar_type() == at::kFloat) {
    apply(backwardFloat, dOut.const_data_ptr<float>(), gateUp.const_data_ptr<float>(),
          dGateUp.data_ptr<float>());
  } else {
    apply(backwardBFloat16, dOut.const_data_ptr<at::BFloat16>(), gateUp.const_data_ptr<at::BFloat16>(),
          dGateUp.data_ptr<at::BFloat16>());
  }
  return dGateUp;
}

}  // namespace toolr0::cpu
