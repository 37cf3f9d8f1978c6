#pragma once
// What the two sampling kernels of a recorded decode step share.
#include <cfloat>

#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {

// See setSamplerParameters.
__device__ inline SamplerParameters parametersFrom(const int64_t* words) {
  return {static_cast<float>(__longlong_as_double(words[1])),
          static_cast<float>(__longlong_as_double(words[2])),
          static_cast<float>(__longlong_as_double(words[3])), words[4], static_cast<uint64_t>(words[0])};
}

// 1 / temperature, bounded: for a temperature next to 0, (maximum - maximum) * inf would be a NaN.
__device__ inline float inverseOf(float temperature) {
  return fminf(1.0f / temperature, FLT_MAX);
}

// The row has sampled `token`: what its next step needs. One thread of the row.
__device__ inline void advanceRow(const DecodeStatePointers& s, int64_t row, int64_t token) {
  s.tokens[row] = token;
  if (s.slots[row] == s.discardSlot) return;  // padding
  s.positions[row] += 1;
  s.steps[row] += 1;
  const int64_t index = s.suffixLength[row], column = index / s.pageSize;  // of the token just sampled
  s.suffixLength[row] = static_cast<int32_t>(index + 1);
  // A row that has filled its pages gets a slot of no meaning: the host gives it a page before it runs again.
  const int64_t last = s.suffixColumns - 1,
                page = s.suffixTable[row * s.suffixColumns + (column < last ? column : last)];
  s.slots[row] = page * s.pageSize + index % s.pageSize;
}

}  // namespace toolr0::cuda
