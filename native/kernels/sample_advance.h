#pragma once
#include <ATen/ATen.h>

#include "kernels/sampler.h"

namespace toolr0 {
// What a decode step knows of its rows, kept on the device from step to step. [B] each.
struct DecodeState {
  at::Tensor tokens;        // int64: the token to feed
  at::Tensor positions;     // int64: its RoPE position
  at::Tensor slots;         // int64: where its key and value go; discardSlot for padding rows
  at::Tensor streams;       // int64: Philox stream
  at::Tensor steps;         // int64: number of the next token
  at::Tensor suffixLength;  // int32: own tokens, the fed one included
  at::Tensor suffixTable;   // [B, pages] int32: pages of the own tokens
  int64_t pageSize = 0, discardSlot = 0;
};

// Options as the kernels read them, in a tensor, because a captured graph keeps its arguments: [5] int64 on
// `device`. Written by a copy that waits for nothing.
at::Tensor samplerParameters(at::Device device);
void setSamplerParameters(at::Tensor& parameters, const SamplerOptions& options, uint64_t seed);
// Whether top-k, top-p or min-p is on: decides the kernel, so a graph captured for one does not serve the
// other.
bool filtersTokens(const SamplerOptions& options);

// Samples one token per row of logits [B, vocab] fp32 as sampler.h does, and prepares the next step: the
// token is fed, position, step and length grow by one, the slot follows from the page table. Padding rows
// stay as they are but for their token. logprobs [B] fp32. A row without a finite maximum: on CUDA its
// log-probability is NaN.
struct SampleAdvanceInput {
  at::Tensor logits, parameters;
  at::Tensor scratch;  // fp32, sampleScratch() elements
  at::Tensor arrived;  // int32, a zero per row; zero again afterwards
  SamplerOptions options;
  uint64_t seed = 0;
};
// A row's vocabulary is shared by up to so many blocks; each leaves so many numbers.
inline constexpr int64_t kMaxSampleSplits = 32, kSampleSplitFloats = 36;
int64_t sampleScratch(int64_t rows);
void sampleAdvance(const SampleAdvanceInput& input, DecodeState& state, at::Tensor& logprobs);
namespace reference {
void sampleAdvance(const SampleAdvanceInput& input, DecodeState& state, at::Tensor& logprobs);
}
namespace cuda {  // only in builds with TR0_WITH_CUDA
void sampleAdvance(const SampleAdvanceInput& input, DecodeState& state, at::Tensor& logprobs);
}
}  // namespace toolr0
