#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu_widen.h"
#include "kernels/rms_norm.h"
#include "kernels/row_ops.h"

namespace toolr0::cpu {
namespace {

using simd::laneCount;
using simd::loadWide;

template <typename V, typename T>
TR0_INLINE void forwardBody(const T* x, const T* weight, float eps, T* y, float* rstd, int64_t rows,
                            int64_t n) {
  constexpr int64_t kLanes = laneCount<V>();
  const int64_t whole = n - n % kLanes;
  for (int64_t row = 0; row < rows; ++row, x += n, y += n) {
    V squares{};
    for (int64_t i = 0; i < whole; i += kLanes) {
      const V v = loadWide<V>(x + i);
      squares += v * v;
    }
    float sum = simd::sumLanes(squares);
    for (int64_t i = whole; i < n; ++i) sum += static_cast<float>(x[i]) * static_cast<float>(x[i]);
    const float scale = 1.0f / std::sqrt(sum / static_cast<float>(n) + eps);
    rstd[row] = scale;
    // Rounded to T before the weight is applied, as transformers does.
    for (int64_t i = 0; i < whole; i += kLanes) {
      simd::storeNarrow(y + i, simd::roundTo(x, loadWide<V>(x + i) * scale) * loadWide<V>(weight + i));
    }
    for (int64_t i = whole; i < n; ++i) {
      const float normalised = static_cast<float>(static_cast<T>(static_cast<float>(x[i]) * scale));
      y[i] = static_cast<T>(normalised * static_cast<float>(weight[i]));
    }
  }
}

// With u = x * rstd: dx = rstd * (du - u * mean(du * u)), dWeight += dy * u.
template <typename V, typename T>
TR0_INLINE void backwardBody(const T* dy, const T* x, const T* weight, const float* rstd, T* dx,
                             float* dWeight, int64_t rows, int64_t n) {
  constexpr int64_t kLanes = laneCount<V>();
  const int64_t whole = n - n % kLanes;
  for (int64_t row = 0; row < rows; ++row, dy += n, x += n, dx += n) {
    const float scale = rstd[row];
    V dots{};
    for (int64_t i = 0; i < whole; i += kLanes) {
      const V u = loadWide<V>(x + i) * scale, d = loadWide<V>(dy + i);
      dots += u * d * loadWide<V>(weight + i);
      simd::store(dWeight + i, loadWide<V>(dWeight + i) + u * d);
    }
    float dot = simd::sumLanes(dots);
    for (int64_t i = whole; i < n; ++i) {
      const float u = static_cast<float>(x[i]) * scale, d = static_cast<float>(dy[i]);
      dot += u * d * static_cast<float>(weight[i]);
      dWeight[i] += u * d;
    }
    const float mean = dot / static_cast<float>(n);
    for (int64_t i = 0; i < whole; i += kLanes) {
      simd::storeNarrow(
          dx + i,
          (loadWide<V>(dy + i) * loadWide<V>(weight + i) - loadWide<V>(x + i) * scale * mean) * scale);
    }
    for (int64_t i = whole; i < n; ++i) {
      const float du = static_cast<float>(dy[i]) * static_cast<float>(weight[i]);
      dx[i] = static_cast<T>((du - static_cast<float>(x[i]) * scale * mean) * scale);
    }
  }
}

#define TR0_RMS_NORM(suffix, T)                                                               \
  TR0_CPU_DISPATCH_LANES(                                                                     \
      forward##suffix, forwardBody,                                                           \
      (const T* x, const T* weight, float eps, T* y, float* rstd, int64_t rows, int64_t n),   \
      (x, weight, eps, y, rstd, rows, n))                                                     \
  TR0_CPU_DISPATCH_LANES(backward##suffix, backwardBody,                                      \
                         (const T* dy, const T* x, const T* weight, const float* rstd, T* dx, \
                          float* dWeight, int64_t rows, int64_t n),                           \
                         (dy, x, weight, rstd, dx, dWeight, rows, n))
TR0_RMS_NORM(Float, float)
TR0_RMS_NORM(BFloat16, at::BFloat16)

constexpr int64_t kElementsPerTask = 16384;

template <typename T, typename Forward>
void runForward(Forward run, const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& y,
                at::Tensor& rstd) {
  const int64_t n = x.size(-1), rows = rstd.numel();
  const T* from = x.const_data_ptr<T>();
  const T* w = weight.const_data_ptr<T>();
  T* to = y.data_ptr<T>();
  float* r = rstd.data_ptr<float>();
  at::parallel_for(0, rows, std::max<int64_t>(1, kElementsPerTask / n), [&](int64_t begin, int64_t end) {
    run(from + begin * n, w, static_cast<float>(eps), to + begin * n, r + begin, end - begin, n);
  });
}

template <typename T, typename Backward>
void runBackward(Backward run, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                 const at::Tensor& rstd, at::Tensor& dx, at::Tensor& dWeight) {
  const int64_t n = x.size(-1), rows = rstd.numel();
  // A fixed partition, not one per thread: the weight gradient is the same on any number of threads.
  const int64_t rowsPerPart = std::max<int64_t>({1, kElementsPerTask / n, (rows + 63) / 64});
  const int64_t parts = (rows + rowsPerPart - 1) / rowsPerPart;
  std::vector<float> partial(static_cast<size_t>(parts * n), 0.0f);
  const T* d = dy.const_data_ptr<T>();
  const T* from = x.const_data_ptr<T>();
  const T* w = weight.const_data_ptr<T>();
  const float* r = rstd.const_data_ptr<float>();
  T* to = dx.data_ptr<T>();
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = part * rowsPerPart, count = std::min(rowsPerPart, rows - first);
      run(d + first * n, from + first * n, w, r + first, to + first * n, partial.data() + part * n, count, n);
    }
  });
  float* sum = dWeight.data_ptr<float>();
  for (int64_t part = 0; part < parts; ++part) {
    for (int64_t i = 0; i < n; ++i) sum[i] += partial[static_cast<size_t>(part * n + i)];
  }
}

}  // namespace

void rmsNormRows(const float* x, const float* weight, float eps, float* y, int64_t rows, int64_t n) {
  float rstd;
  for (int64_t row = 0; row < rows; ++row) forwardFloat(x + row * n, weight, eps, y + row * n, &rstd, 1, n);
}
void rmsNormRows(const at::BFloat16* x, const at::BFloat16* weight, float eps, at::BFloat16* y, int64_t rows,
                 int64_t n) {
  float rstd;
  for (int64_t row = 0; row < rows; ++row)
    forwardBFloat16(x + row * n, weight, eps, y + row * n, &rstd, 1, n);
}

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& rstd) {
  at::Tensor y = at::empty_like(x);
  rstd = at::empty(x.sizes().slice(0, static_cast<size_t>(x.dim() - 1)), x.options().dtype(at::kFloat));
  if (x.scalar_type() == at::kFloat) {
    runForward<float>(forwardFloat, x, weight, eps, y, rstd);
  } else {
    runForward<at::BFloat16>(forwardBFloat16, x, weight, eps, y, rstd);
  }
  return y;
}

at::Tensor rmsNormBackward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& rstd, at::Tensor& dWeight) {
  at::Tensor dx = at::empty_like(x);
  if (x.scalar_type() == at::kFloat) {
    runBackward<float>(backwardFloat, dy, x, weight, rstd, dx, dWeight);
  } else {
    runBackward<at::BFloat16>(backwardBFloat16, dy, x, weight, rstd, dx, dWeight);
  }
  return dx;
}

}  // namespace toolr0::cpu
