#pragma once
// fp32 or bf16 elements in memory as fp32 lanes of any width, for bodies compiled through
// TR0_CPU_DISPATCH_LANES.
#include <c10/util/BFloat16.h>

#include "kernels/cpu_simd.h"

namespace toolr0::simd {

template <typename V = F16>
TR0_INLINE V loadWide(const float* p) {
  return loadAs<V>(p);
}
template <typename V = F16>
TR0_INLINE V loadWide(const c10::BFloat16* p) {
  return (V)(__builtin_convertvector(loadAs<typename LanesOf<V>::Half>(p), typename LanesOf<V>::Unsigned)
             << 16);
}

// The upper sixteen bits of each lane after rounding to nearest, ties to even; NaN becomes the quiet NaN.
template <typename V>
TR0_INLINE typename LanesOf<V>::Unsigned bfloat16Bits(const V& v) {
  using Unsigned = typename LanesOf<V>::Unsigned;
  const Unsigned bits = (Unsigned)v;
  const Unsigned rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return v == v ? rounded : Unsigned{} + 0x7FC0u;
}

template <typename V>
TR0_INLINE void storeNarrow(float* p, const V& v) {
  store(p, v);
}
template <typename V>
TR0_INLINE void storeNarrow(c10::BFloat16* p, const V& v) {
  storeAs(p, __builtin_convertvector(bfloat16Bits(v), typename LanesOf<V>::Half));
}

// v rounded to the precision of the elements pointed to.
template <typename V>
TR0_INLINE V roundTo(const float*, const V& v) {
  return v;
}
template <typename V>
TR0_INLINE V roundTo(const c10::BFloat16*, const V& v) {
  return (V)(bfloat16Bits(v) << 16);
}

}  // namespace toolr0::simd
