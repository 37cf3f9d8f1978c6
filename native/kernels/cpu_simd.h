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
typedef float F8 __attribute__((vector_size(32)));
typedef int32_t I8 __attribute__((vector_size(32)));
typedef uint32_t U8 __attribute__((vector_size(32)));
typedef uint16_t H8 __attribute__((vector_size(16)));
typedef float F4 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));
typedef uint32_t U4 __attribute__((vector_size(16)));
typedef uint16_t H4 __attribute__((vector_size(8)));

// The integer vectors beside an fp32 vector, for code written for any width.
template <typename V>
struct LanesOf;
template <>
struct LanesOf<F16> {
  using Int = I16;
  using Unsigned = U16;
  using Half = H16;
};
template <>
struct LanesOf<F8> {
  using Int = I8;
  using Unsigned = U8;
  using Half = H8;
};
template <>
struct LanesOf<F4> {
  using Int = I4;
  using Unsigned = U4;
  using Half = H4;
};
template <typename V>
constexpr int laneCount() {
  return static_cast<int>(sizeof(V) / sizeof(float));
}

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
template <typename V>
TR0_INLINE void store(float* p, const V& v) {
  std::memcpy(p, &v, sizeof(v));
}
template <typename V = F16>
TR0_INLINE V splat(float x) {
  return V{} + x;
}
// b where a is NaN.
template <typename V>
TR0_INLINE V maximum(const V& a, const V& b) {
  return a > b ? a : b;
}

// Lanes are folded in halves: for one width, the same order on every CPU level.
template <typename V>
TR0_INLINE float sumLanes(const V& v) {
  float x[laneCount<V>()];
  store(x, v);
  for (int half = laneCount<V>() / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) x[i] += x[i + half];
  return x[0];
}
template <typename V>
TR0_INLINE float maxLanes(const V& v) {
  float x[laneCount<V>()];
  store(x, v);
  for (int half = laneCount<V>() / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
  return x[0];
}

// e^x for x ≤ 0, relative error below 2e-7; 0 below -87.3 (−inf included). NaN is not propagated: check
// before.
template <typename V>
TR0_INLINE V expNonPositive(const V& value) {
  const V lowest = splat<V>(-87.3f);
  const auto vanishes = value < lowest;
  const V x = maximum(value, lowest);
  const V magic = splat<V>(12582912.0f);  // 1.5 · 2^23: adding it rounds to the nearest integer
  const V shifted = x * 1.44269504088896341f + magic;
  const V n = shifted - magic;
  const V r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // x − n ln 2, in two parts
  V p = splat<V>(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const auto exponent = ((typename LanesOf<V>::Int)shifted - 0x4B400000 + 127) << 23;
  return vanishes ? V{} : p * (V)exponent;
}

// 1 / (1 + e^-x) without overflow: e^-|x| is all that is ever computed.
template <typename V>
TR0_INLINE V sigmoid(const V& x) {
  const V e = expNonPositive(x < 0.0f ? x : -x);
  return (x < 0.0f ? e : splat<V>(1.0f)) / (e + 1.0f);
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
// TR0_CPU_DISPATCH_LANES: the same for a body that is a template over the vector, given the widest one the
// level holds in a register. Sixteen lanes on AVX2 live in memory (gcc 12 keeps no such array of accumulators
// in register pairs), which costs register-tiled loops a factor of ten; such loops are written for any width.
#define TR0_CPU_DISPATCH_LANES(name, body, parameters, arguments)                                  \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))) void name##Avx512 parameters { \
    body<::toolr0::simd::F16> arguments;                                                           \
  }                                                                                                \
  __attribute__((target("avx2,fma"))) void name##Avx2 parameters {                                 \
    body<::toolr0::simd::F8> arguments;                                                            \
  }                                                                                                \
  void name##Baseline parameters {                                                                 \
    body<::toolr0::simd::F4> arguments;                                                            \
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
#define TR0_CPU_DISPATCH_LANES(name, body, parameters, arguments) \
  void name parameters {                                          \
    body<::toolr0::simd::F4> arguments;                           \
  }
#endif
