#pragma once
// Sixteen-lane fp32 arithmetic for the hand-written CPU paths. The compiler's vector extension lowers one
// source to AVX-512, 2 × AVX2, 4 × SSE2 or 4 × NEON; TR0_CPU_DISPATCH compiles a body for each x86 level and
// picks at run time, so one build runs on any CPU of the architecture. (libtorch's at::vec falls back to
// scalar calls in files not built with -mavx2.)
#include <cstdint>
#include <cstring>

#if defined(__GNUC__) && !defined(__clang__)
// Vectors never cross a real call (everything here is inlined), so the ABI of passing them does not matter.
// They are taken by reference because GCC's note about that ABI cannot be switched off.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

#define TR0_INLINE __attribute__((always_inline)) inline

namespace toolr0::simd {

constexpr int kLanes = 16;
typedef float F16 __attribute__((vector_size(64)));
typedef int32_t I16 __attribute__((vector_size(64)));
typedef uint32_t U16 __attribute__((vector_size(64)));
typedef uint16_t H16 __attribute__((vector_size(32)));
typedef float F4 __attribute__((vector_size(16)));

// Unaligned.
template <typename V, typename T>
TR0_INLINE V loadAs(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof(V));
  return v;
}
template <typename V, typename T>
TR0_INLINE void storeAs(T* p, const V& v) {
  std::memcpy(p, &v, sizeof(V));
}
TR0_INLINE F16 load(const float* p) {
  return loadAs<F16>(p);
}
TR0_INLINE void store(float* p, const F16& v) {
  std::memcpy(p, &v, sizeof(v));
}
TR0_INLINE F16 splat(float x) {
  return F16{} + x;
}
// b where a is NaN.
TR0_INLINE F16 maximum(const F16& a, const F16& b) {
  return a > b ? a : b;
}

// Lanes are folded in halves: the same order on every CPU level.
TR0_INLINE float sumLanes(const F16& v) {
  float x[kLanes];
  store(x, v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) x[i] += x[i + half];
  return x[0];
}
TR0_INLINE float maxLanes(const F16& v) {
  float x[kLanes];
  store(x, v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
  return x[0];
}

// e^x for x ≤ 0, relative error below 2e-7; 0 below -87.3 (−inf included). NaN is not propagated: check
// before.
TR0_INLINE F16 expNonPositive(const F16& value) {
  const F16 lowest = splat(-87.3f);
  const auto vanishes = value < lowest;
  const F16 x = maximum(value, lowest);
  const F16 magic = splat(12582912.0f);  // 1.5 · 2^23: adding it rounds to the nearest integer
  const F16 shifted = x * 1.44269504088896341f + magic;
  const F16 n = shifted - magic;
  const F16 r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // x − n ln 2, in two parts
  F16 p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const I16 exponent = ((I16)shifted - 0x4B400000 + 127) << 23;
  return vanishes ? F16{} : p * (F16)exponent;
}

enum class CpuLevel { kBaseline, kAvx2, kAvx512 };
inline CpuLevel cpuLevel() {
#if defined(__x86_64__)
  static const CpuLevel level = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                        __builtin_cpu_supports("avx512vl") &&
                                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")
                                    ? CpuLevel::kAvx512
                                : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                                    ? CpuLevel::kAvx2
                                    : CpuLevel::kBaseline;
  return level;
#else
  return CpuLevel::kBaseline;
#endif
}

}  // namespace toolr0::simd

// TR0_CPU_DISPATCH(name, body, (parameters), (arguments)): defines `void name(parameters)`, which runs the
// always-inline function `body` compiled for the best level the machine has.
#if defined(__x86_64__)
#define TR0_CPU_DISPATCH(name, body, parameters, arguments)                                        \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))) void name##Avx512 parameters { \
    body arguments;                                                                                \
  }                                                                                                \
  __attribute__((target("avx2,fma"))) void name##Avx2 parameters {                                 \
    body arguments;                                                                                \
  }                                                                                                \
  void name##Baseline parameters {                                                                 \
    body arguments;                                                                                \
  }                                                                                                \
  void name parameters {                                                                           \
    switch (::toolr0::simd::cpuLevel()) {                                                          \
      case ::toolr0::simd::CpuLevel::kAvx512:                                                      \
        return name##Avx512 arguments;                                                             \
      case ::toolr0::simd::CpuLevel::kAvx2:                                                        \
        return name##Avx2 arguments;                                                               \
      default:                                                                                     \
        return name##Baseline arguments;                                                           \
    }                                                                                              \
  }
#else
#define TR0_CPU_DISPATCH(name, body, parameters, arguments) \
  void name parameters {                                    \
    body arguments;                                         \
  }
#endif
