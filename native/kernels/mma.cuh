#pragma once
// The instructions that have no C++ form, one wrapper each: tensor-core product, asynchronous copy to shared
// memory. The tests replace them by functions of the same meaning (native/test/cuda_emulation).
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace toolr0::cuda {

// c += a · b for one warp; a [16, 16], b [16, 8] bf16, c [16, 8] fp32 (mma.sync.m16n8k16). With g = lane / 4
// and t = lane % 4 a lane holds
//   a[0], a[1]: rows g and g + 8, columns 2t and 2t + 1;  a[2], a[3]: the same rows, columns 2t + 8 and 2t +
//   9; b[0]: rows 2t and 2t + 1 of column g;  b[1]: rows 2t + 8 and 2t + 9 of it; c[0], c[1]: row g, columns
//   2t and 2t + 1;  c[2], c[3]: row g + 8, the same columns.
__device__ inline void mmaBf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#ifdef TR0_CUDA_EMULATION
  cuda_emulation::mmaBf16(c, a, b0, b1);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// 16 bytes from global to shared memory, both aligned to 16; complete after waitCopies and a barrier.
__device__ inline void copyAsync16(void* shared, const void* global) {
#ifdef TR0_CUDA_EMULATION
  cuda_emulation::copyAsync16(shared, global);
#else
  const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(to), "l"(global) : "memory");
#endif
}
// Ends a group of copies.
__device__ inline void commitCopies() {
#ifdef TR0_CUDA_EMULATION
  cuda_emulation::commitCopies();
#else
  asm volatile("cp.async.commit_group;\n" ::: "memory");
#endif
}
// Waits until at most kGroups of this thread's groups are still on their way.
template <int kGroups>
__device__ inline void waitCopies() {
#ifdef TR0_CUDA_EMULATION
  cuda_emulation::waitCopies(kGroups);
#else
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kGroups) : "memory");
#endif
}

}  // namespace toolr0::cuda
