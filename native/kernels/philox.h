#pragma once
#include <cstdint>

#if defined(__CUDACC__)
#define TR0_HOST_DEVICE __host__ __device__
#else
#define TR0_HOST_DEVICE
#endif

namespace toolr0 {
// Philox4x32-10 (Salmon et al. 2011), counter-based: the n-th number of a stream without any state. The same
// on CPU and GPU.
TR0_HOST_DEVICE inline uint32_t philox(uint64_t seed, uint64_t stream, uint64_t step) {
  uint32_t c0 = static_cast<uint32_t>(step), c1 = static_cast<uint32_t>(step >> 32);
  uint32_t c2 = static_cast<uint32_t>(stream), c3 = static_cast<uint32_t>(stream >> 32);
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0,
                   n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c0;
}
// Uniform in [0, 1) with 24 bits.
TR0_HOST_DEVICE inline float philoxUniform(uint64_t seed, uint64_t stream, uint64_t step) {
  return static_cast<float>(philox(seed, stream, step) >> 8) * (1.0f / 16777216.0f);
}
}  // namespace toolr0
