#pragma once
// fp32 or bf16 elements in memory as fp32 lanes, for bodies compiled through TR0_CPU_DISPATCH.
#include <c10/util/BFloat16.h>

#include "kernels/cpu_simd.h"

namespace toolr0::simd {

TR0_INLINE F16 loadWide(const float* p) {
  return load(p);
}
TR0_INLINE F16 loadWide(const c10::BFloat16* p) {
  return (F16)(__builtin_convertvector(loadAs<H16>(p), U16) << 16);
}

TR0_INLINE void storeNarrow(float* p, const F16& v) {
  store(p, v);
}
// Round to nearest, ties to even; NaN stays NaN.
TR0_INLINE void storeNarrow(c10::BFloat16* p, const F16& v) {
  const U16 bits = (U16)v;
  const U16 rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const U16 quietNan = U16{} + 0x7FC0u;
  storeAs(p, __builtin_convertvector(v == v ? rounded : quietNan, H16));
}

// v rounded to the precision of T.
TR0_INLINE F16 roundTo(const float*, const F16& v) {
  return v;
}
TR0_INLINE F16 roundTo(const c10::BFloat16*, const F16& v) {
  const U16 bits = (U16)v;
  const U16 rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) & 0xFFFF0000u;
  return v == v ? (F16)rounded : v;
}

}  // namespace toolr0::simd
