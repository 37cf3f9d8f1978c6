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
  int64_t queryRow;             // elements from one row of `query` to the next
  int64_t batch, heads, kvHeads, dim, pageSize, maxPrefixPages, maxSuffixPages;
  float scale;
};
// dim <= kMaxDecodeHeadDim.
inline constexpr int64_t kMaxDecodeHeadDim = 256;
template <typename T>
void launchDecodeAttention(const DecodeAttentionPointers<T>& pointers, cudaStream_t stream);

// See decode_fused.h. x [rows, n], or with `tokens` [rows] the embedding table, whose rows are then copied.
// n <= maxNormLength(n).
template <typename T>
void launchNorm(const T* x, const int64_t* tokens, const T* weight, float eps, T* copy, T* normed,
                int64_t rows, int64_t n, cudaStream_t stream);
template <typename T>
int64_t maxNormLength(int64_t n);

template <typename T>
struct RopeStorePointers {
  const int64_t *positions, *slots;  // [rows]
  const float *cosine, *sine;        // [maxPosition, dim / 2]
  const T *queryNorm, *keyNorm;      // [dim] or null
  T *keyPages, *valuePages;          // [slots, kvHeads, dim]
  int heads, kvHeads, dim;           // dim even, <= kMaxDecodeHeadDim
  float eps;
};
// qkv [rows, heads + 2 kvHeads, dim]
template <typename T>
void launchRopeStore(T* qkv, const RopeStorePointers<T>& pointers, int64_t rows, cudaStream_t stream);

// As launchSwiglu, in 16-byte accesses.
template <typename T>
void launchSwigluPack(const T* gateUp, T* out, int64_t rows, int64_t n, cudaStream_t stream);

// See grouped_decode_attention.h. All row tables as in DecodeAttentionPointers.
struct GroupedDecodePointers {
  const __nv_bfloat16* query;                  // [rows, heads, dim]
  const __nv_bfloat16 *keyPages, *valuePages;  // [pages, pageSize, kvHeads, dim]
  const int32_t *prefixIndex, *prefixTable, *prefixLength, *suffixTable, *suffixLength;
  const int32_t *runStart, *runCount;  // [runs]
  __nv_bfloat16* out;                  // [rows, heads, dim]
  float* parts;                        // [rows, heads, prefixSplits + suffixSplits, dim + 2]
  int* arrived;                        // [rows, kvHeads], zero before and after
  int64_t queryRow;                    // elements from one row of `query` to the next
  int rows, runs, heads, kvHeads, pageSize, prefixColumns, suffixColumns, prefixSplits, suffixSplits;
  float scale;
};
// Whether a kernel was compiled for this head dimension, and heads / kvHeads queries fit its tile.
bool groupedDecodeTakes(int64_t dim, int64_t heads, int64_t kvHeads);
void launchGroupedDecode(const GroupedDecodePointers& pointers, int64_t dim, cudaStream_t stream);

// See sample_advance.h.
struct DecodeStatePointers {
  int64_t *tokens, *positions, *slots;
  const int64_t* streams;
  int64_t* steps;
  int32_t* suffixLength;
  const int32_t* suffixTable;  // [rows, suffixColumns]
  int64_t suffixColumns, pageSize, discardSlot;
};
// parameters [5] int64: seed, the bits of temperature, topP and minP as doubles, topK. parts [rows, splits,
// kSampleSplitFloats] and arrived [rows] (zero before and after) are used without filters only.
void launchSampleAdvance(const float* logits, const int64_t* parameters, const DecodeStatePointers& state,
                         float* logprobs, float* parts, int* arrived, int64_t rows, int64_t vocab,
                         int64_t splits, cudaStream_t stream);
void launchFilteredSampleAdvance(const float* logits, const int64_t* parameters,
                                 const DecodeStatePointers& state, float* logprobs, int64_t rows,
                                 int64_t vocab, cudaStream_t stream);

}  // namespace toolr0::cuda
