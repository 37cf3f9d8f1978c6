#pragma once
// Stands in for the CUDA toolkit when a test compiles a .cu file with a C++ compiler and runs its kernels on
// the CPU: put this folder first in the include path and include the .cu file. What a thread of a kernel can
// see and do is here; how the threads of a block take turns is in fibers.h.
//
// Shows: arithmetic, indexing (memory that must not be read is NaN), missing barriers
// (threads run in two opposite orders), asynchronous copies that nobody waited for (they are made only then),
// lanes of a warp that part ways before an exchange. Does not show: races between blocks, memory ordering,
// occupancy, speed.
#include <math.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "fibers.h"

#define TR0_CUDA_EMULATION 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static  // one block runs at a time; a kernel's array is zero or what the block before left
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct dim3 {
  unsigned int x, y, z;
  dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};
struct uint4 {
  unsigned int x, y, z, w;
};
inline uint4 make_uint4(unsigned int x, unsigned int y, unsigned int z, unsigned int w) {
  return {x, y, z, w};
}
using cudaStream_t = void*;
enum cudaError_t { cudaSuccess };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
template <typename Kernel>
cudaError_t cudaFuncSetAttribute(Kernel*, cudaFuncAttribute, int) {
  return cudaSuccess;
}

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace cuda_emulation {

struct Copy {
  void* to;
  const void* from;
};
// Of the running block.
inline Fibers* fibers = nullptr;
inline std::vector<unsigned char> shared;
inline std::vector<std::vector<std::vector<Copy>>> copies;  // [thread][group]
inline bool reversed = false;                               // the order in which threads take turns

inline void* dynamicShared() {
  return shared.data();
}
inline int thread() {
  return static_cast<int>(threadIdx.x);
}

// Runs body() as every thread of every block, one block after the other.
inline void run(dim3 grid, dim3 block, size_t sharedBytes, const std::function<void()>& body) {
  gridDim = grid;
  blockDim = block;
  const int threads = static_cast<int>(block.x * block.y * block.z);
  for (unsigned int z = 0; z < grid.z; ++z)
    for (unsigned int y = 0; y < grid.y; ++y)
      for (unsigned int x = 0; x < grid.x; ++x) {
        blockIdx = dim3(x, y, z);
        shared.assign(sharedBytes, 0xff);  // NaNs
        copies.assign(threads, {{}});
        Fibers all(threads, reversed, body,
                   [](int index) { threadIdx = dim3(static_cast<unsigned int>(index)); });
        fibers = &all;
        all.runToEnd();
        fibers = nullptr;
      }
}

// The values all lanes of the warp brought, by lane; `kind` must be the same for all.
template <typename T>
const T* exchange(T value, int kind) {
  static_assert(sizeof(T) <= Fibers::kSlotBytes);
  return reinterpret_cast<const T*>(fibers->exchange(&value, sizeof(T), kind));
}

inline float bfloat(uint32_t packed, int half) {
  const uint32_t bits = (half == 0 ? packed & 0xffffu : packed >> 16) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
struct Fragments {
  uint32_t a[4], b[2];
};
// See mma.cuh for who holds what.
inline void mmaBf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  const Fragments* warp = exchange(Fragments{{a[0], a[1], a[2], a[3]}, {b0, b1}}, 100);
  const int lane = thread() % 32, g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) {
    const int row = g + i / 2 * 8, column = t * 2 + i % 2;
    for (int k = 0; k < 16; ++k)
      c[i] += bfloat(warp[row % 8 * 4 + k % 8 / 2].a[row / 8 + k / 8 * 2], k % 2) *
              bfloat(warp[column * 4 + k % 8 / 2].b[k / 8], k % 2);
  }
}

inline void copyAsync16(void* to, const void* from) {
  if ((reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) % 16 != 0)
    fibers->fail("an asynchronous copy is not aligned to 16 bytes");
  copies[thread()].back().push_back({to, from});
}
inline void commitCopies() {
  copies[thread()].emplace_back();
}
inline void waitCopies(int groups) {
  auto& own = copies[thread()];
  while (static_cast<int>(own.size()) - 1 > groups) {
    for (const Copy& copy : own.front()) std::memcpy(copy.to, copy.from, 16);
    own.erase(own.begin());
  }
}

}  // namespace cuda_emulation

inline void __syncthreads() {
  cuda_emulation::fibers->barrier();
}
inline void __syncwarp(unsigned int = 0xffffffffu) {
  cuda_emulation::exchange(0, 1);
}
template <typename T>
T __shfl_xor_sync(unsigned int, T value, int mask) {
  return cuda_emulation::exchange(value, 2)[(cuda_emulation::thread() % 32) ^ mask];
}
template <typename T>
T __shfl_up_sync(unsigned int, T value, int by) {
  const int lane = cuda_emulation::thread() % 32;
  return cuda_emulation::exchange(value, 3)[lane >= by ? lane - by : lane];
}
template <typename T>
T __shfl_sync(unsigned int, T value, int from) {
  return cuda_emulation::exchange(value, 4)[from % 32];
}
inline unsigned int __ballot_sync(unsigned int, bool predicate) {
  const int* votes = cuda_emulation::exchange(static_cast<int>(predicate), 5);
  unsigned int result = 0;
  for (int lane = 0; lane < 32; ++lane) result |= (votes[lane] != 0 ? 1u : 0u) << lane;
  return result;
}
inline void __threadfence() {}
template <typename T>
T atomicAdd(T* address, T value) {
  const T old = *address;
  *address = old + value;
  return old;
}
template <typename T>
T __ldcg(const T* address) {
  return *address;
}
inline int __ffs(unsigned int x) {
  return __builtin_ffs(static_cast<int>(x));
}
inline int __clz(unsigned int x) {
  return x == 0 ? 32 : __builtin_clz(x);
}
inline float __expf(float x) {
  return std::exp(x);
}
inline float rsqrtf(float x) {
  return 1.0f / std::sqrt(x);
}
inline uint32_t __float_as_uint(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}
inline double __longlong_as_double(long long x) {
  double value;
  std::memcpy(&value, &x, sizeof(value));
  return value;
}
template <typename A, typename B>
constexpr auto min(A a, B b) {
  using C = std::common_type_t<A, B>;
  return static_cast<C>(b) < static_cast<C>(a) ? static_cast<C>(b) : static_cast<C>(a);
}
template <typename A, typename B>
constexpr auto max(A a, B b) {
  using C = std::common_type_t<A, B>;
  return static_cast<C>(a) < static_cast<C>(b) ? static_cast<C>(b) : static_cast<C>(a);
}
