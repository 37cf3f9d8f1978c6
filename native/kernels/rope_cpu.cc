#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/cpu_widen.h"
#include "kernels/rope.h"
#include "kernels/row_ops.h"

namespace toolr0::cpu {
namespace {

using simd::laneCount;
using simd::loadWide;

// One token: rotates `heads` vectors of 2 * half elements, `headStride` apart.
template <typename V, typename T>
TR0_INLINE void rotateBody(T* x, int64_t heads, int64_t headStride, const float* cosine, const float* sine,
                           int64_t half, float sign) {
  constexpr int64_t kLanes = laneCount<V>();
  const int64_t whole = half - half % kLanes;
  for (int64_t head = 0; head < heads; ++head) {
    T* first = x + head * headStride;
    T* second = first + half;
    for (int64_t i = 0; i < whole; i += kLanes) {
      const V a = loadWide<V>(first + i), b = loadWide<V>(second + i);
      const V c = loadWide<V>(cosine + i), s = loadWide<V>(sine + i) * sign;
      simd::storeNarrow(first + i, a * c - b * s);
      simd::storeNarrow(second + i, b * c + a * s);
    }
    for (int64_t i = whole; i < half; ++i) {
      const float a = static_cast<float>(first[i]), b = static_cast<float>(second[i]);
      const float c = cosine[i], s = sine[i] * sign;
      first[i] = static_cast<T>(a * c - b * s);
      second[i] = static_cast<T>(b * c + a * s);
    }
  }
}

#define TR0_ROPE(suffix, T)                                                                                 \
  TR0_CPU_DISPATCH_LANES(rotate##suffix, rotateBody,                                                        \
                         (T * x, int64_t heads, int64_t headStride, const float* cosine, const float* sine, \
                          int64_t half, float sign),                                                        \
                         (x, heads, headStride, cosine, sine, half, sign))
TR0_ROPE(Float, float)
TR0_ROPE(BFloat16, at::BFloat16)

template <typename T, typename Rotate>
void run(Rotate rotate, at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos,
         const at::Tensor& sin, bool inverse) {
  const int64_t tokens = x.size(0), heads = x.size(1), half = x.size(2) / 2, rows = cos.size(0);
  T* data = x.data_ptr<T>();
  const int64_t* position = positions.const_data_ptr<int64_t>();
  const float* cosine = cos.const_data_ptr<float>();
  const float* sine = sin.const_data_ptr<float>();
  const float sign = inverse ? -1.0f : 1.0f;
  for (int64_t t = 0; t < tokens; ++t) {
    TORCH_CHECK(position[t] >= 0 && position[t] < rows, "position ", position[t],
                " is outside the RoPE tables of ", rows);
  }
  const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, heads * half));
  at::parallel_for(0, tokens, grain, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      rotate(data + t * x.stride(0), heads, x.stride(1), cosine + position[t] * half,
             sine + position[t] * half, half, sign);
    }
  });
}

}  // namespace

void rotateHeads(float* x, int64_t heads, const float* cosine, const float* sine, int64_t half) {
  rotateFloat(x, heads, 2 * half, cosine, sine, half, 1.0f);
}
void rotateHeads(at::BFloat16* x, int64_t heads, const float* cosine, const float* sine, int64_t half) {
  rotateBFloat16(x, heads, 2 * half, cosine, sine, half, 1.0f);
}

void ropeInPlace(at::Tensor& x, const at::Tensor& positions, const at::Tensor& cos, const at::Tensor& sin,
                 bool inverse) {
  const at::Tensor rows = positions.contiguous();
  if (x.scalar_type() == at::kFloat) {
    run<float>(rotateFloat, x, rows, cos, sin, inverse);
  } else {
    run<at::BFloat16>(rotateBFloat16, x, rows, cos, sin, inverse);
  }
}

}  // namespace toolr0::cpu
