#pragma once
// Products of bf16 tiles on the AMX unit (x86-64 only; see hasAmx in linear_bf16.h).
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu_simd.h"

namespace toolr0::cpu {

#define TR0_AMX_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,amx-tile,amx-bf16")))

// Eight tiles of 16 rows of 64 bytes for this thread, as long as it lives; libtorch's own use of the tiles is
// put back as it was.
class AmxTiles {
 public:
  AmxTiles() {
    struct alignas(64) {
      uint8_t palette = 1, startRow = 0, reserved[14] = {};
      uint16_t rowBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    __asm__ volatile("sttilecfg %0" : "=m"(before_));
    __asm__ volatile("ldtilecfg %0" ::"m"(config));
  }
  ~AmxTiles() {
    if (before_[0] == 0)  // no palette: the tiles were not in use
      __asm__ volatile("tilerelease" ::);
    else
      __asm__ volatile("ldtilecfg %0" ::"m"(before_));
  }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

 private:
  alignas(64) uint8_t before_[64];
};

// sums[a][b] (each 16 × 16 fp32) = left[a] · right[b] over `blocks` tiles of 32 inputs, a < 2, b < B ≤ 2.
// left[a]: 16 rows of bf16, leftStride bytes apart; right[b]: packed tiles, 1024 bytes each. Meanwhile kLines
// cache lines per tile are fetched from each of `ahead`: the weights come from main memory.
template <int B, int kLines>
TR0_INLINE void amxMultiply(const void* const* left, int64_t leftStride, const uint32_t* const* right,
                            int64_t blocks, const char* const* ahead, float* sums) {
  const char *a0 = static_cast<const char*>(left[0]), *a1 = static_cast<const char*>(left[1]);
  const char *b0 = reinterpret_cast<const char*>(right[0]), *b1 = reinterpret_cast<const char*>(right[B - 1]);
  const int64_t packedStride = 64;
  __asm__ volatile("tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3" ::);
  for (int64_t i = 0; i < blocks; ++i, a0 += 64, a1 += 64, b0 += 1024, b1 += 1024) {
    for (int line = 0; line < kLines; ++line) {
      __builtin_prefetch(ahead[0] + (i * kLines + line) * 64, 0, 2);
      __builtin_prefetch(ahead[1] + (i * kLines + line) * 64, 0, 2);
    }
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm6" ::"r"(b0), "r"(packedStride) : "memory");
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm4" ::"r"(a0), "r"(leftStride) : "memory");
    __asm__ volatile("tdpbf16ps %%tmm6, %%tmm4, %%tmm0" ::);
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm5" ::"r"(a1), "r"(leftStride) : "memory");
    __asm__ volatile("tdpbf16ps %%tmm6, %%tmm5, %%tmm2" ::);
    if constexpr (B == 2) {
      __asm__ volatile("tileloadd (%0,%1,1), %%tmm7" ::"r"(b1), "r"(packedStride) : "memory");
      __asm__ volatile("tdpbf16ps %%tmm7, %%tmm4, %%tmm1" ::);
      __asm__ volatile("tdpbf16ps %%tmm7, %%tmm5, %%tmm3" ::);
    }
  }
  __asm__ volatile("tilestored %%tmm0, (%0,%1,1)" ::"r"(sums), "r"(packedStride) : "memory");
  __asm__ volatile("tilestored %%tmm2, (%0,%1,1)" ::"r"(sums + B * 256), "r"(packedStride) : "memory");
  if constexpr (B == 2) {
    __asm__ volatile("tilestored %%tmm1, (%0,%1,1)" ::"r"(sums + 256), "r"(packedStride) : "memory");
    __asm__ volatile("tilestored %%tmm3, (%0,%1,1)" ::"r"(sums + 3 * 256), "r"(packedStride) : "memory");
  }
}

}  // namespace toolr0::cpu
#endif
