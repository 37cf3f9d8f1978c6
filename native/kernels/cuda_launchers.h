#pragma once
// Torch-free face of the .cu files: raw device pointers, sizes and a stream. Every launcher only enqueues;
// shapes and dtypes are checked by the op_cuda.cc file that calls it. `T*` overloads exist for float and
// __nv_bfloat16 where a template parameter is named.
#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

namespace toolr0::cuda {

// x, y [rows, n]; weight [n]; rstd [rows].
template <typename T>
void launchRmsNorm(const T* x, const T* weight, float eps, T* y, float* rstd, int64_t rows, int64_t n,
                   cudaStream_t stream);
// dx [rows, n]; partial [rmsNormBackwardBlocks(rows), n] scratch; dWeight [n] is added to.
int64_t rmsNormBackwardBlocks(int64_t rows);
template <typename T>
void launchRmsNormBackward(const T* dy, const T* x, const T* weight, const float* rstd, T* dx, float* partial,
                           float* dWeight, int64_t rows, int64_t n, cudaStream_t stream);

// x: element (t, h, d) at t*tokenStride + h*headStride + d. cosine, sine [maxPosition, dim/2].
template <typename T>
void launchRope(T* x, const int64_t* positions, const float* cosine, const float* sine, int64_t tokens,
                int64_t heads, int64_t dim, int64_t tokenStride, int64_t headStride, bool inverse,
                cudaStream_t stream);

// gateUp [rows, 2n] → out [rows, n]; dOut [rows, n] → dGateUp [rows, 2n].
template <typename T>
void launchSwiglu(const T* gateUp, T* out, int64_t rows, int64_t n, cudaStream_t stream);
template <typename T>
void launchSwigluBackward(const T* dOut, const T* gateUp, T* dGateUp, int64_t rows, int64_t n,
                          cudaStream_t stream);

// logits [rows, vocab]; target [rows]; outputs [rows].
void launchLogitsToLogprob(const float* logits, const int64_t* target, float* logprobs, float* entropy,
                           float* lse, int64_t rows, int64_t vocab, cudaStream_t stream);
void launchLogprobToLogitsGradient(float* logits, const int64_t* target, const float* lse,
                                   const float* dLogprobs, int64_t rows, int64_t vocab, cudaStream_t stream);

struct SamplerParameters {
  float temperature, topP, minP;
  int64_t topK;
  uint64_t seed;
};
// logits [rows, vocab]; streamIds, steps, tokens [rows] int64; logprobs [rows].
void launchSample(const float* logits, const SamplerParameters& parameters, const int64_t* streamIds,
                  const int64_t* steps, int64_t* tokens, float* logprobs, int64_t rows, int64_t vocab,
                  cudaStream_t stream);

struct AdamWParameters {
  float learningRate, beta1, beta2, epsilon, weightDecay, gradientScale;
  float firstCorrection, secondCorrectionRoot;  // 1 - beta1^step, sqrt(1 - beta2^step)
};
// All [count]; `copy` may be null.
void launchAdamW(float* master, float* firstMoment, float* secondMoment, const float* gradient,
                 __nv_bfloat16* copy, const AdamWParameters& parameters, int64_t count, cudaStream_t stream);

// rewards, advantages, std [groups * groupSize]; float and double.
template <typename T>
void launchGroupAdvantages(const T* rewards, T* advantages, T* standardDeviation, int64_t groups,
                           int64_t groupSize, bool scale, cudaStream_t stream);

template <typename T>
struct DecodeAttentionPointers {
  const T* query;     // [batch, heads, dim]
  const T* keyPages;  // [pages, pageSize, kvHeads, dim]
  const T* valuePages;
  const int32_t* prefixIndex;   // [batch]
  const int32_t* prefixTable;   // [prefixes, maxPrefixPages]
  const int32_t* prefixLength;  // [prefixes]
  const int32_t* suffixTable;   // [batch, maxSuffixPages]
  const int32_t* suffixLength;  // [batch]
  T* out;                       // [batch, heads, dim]
  int64_t batch, heads, kvHeads, dim, pageSize, maxPrefixPages, maxSuffixPages;
  float scale;
};
// dim <= kMaxDecodeHeadDim.
inline constexpr int64_t kMaxDecodeHeadDim = 256;
template <typename T>
void launchDecodeAttention(const DecodeAttentionPointers<T>& pointers, cudaStream_t stream);

}  // namespace toolr0::cuda
