#pragma once
// Decode attention over key/value pages laid out for the CPU: a page's keys of one head are stored turned,
// so that scores are multiply-adds on whole vectors of tokens. Single-threaded: the caller divides the work.
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <vector>

namespace toolr0::cpu {

inline constexpr int64_t kPageTokens = 16;

// One layer's pool and the rows of a decode step (see DecodeAttentionInput). T is float or BFloat16.
template <typename T>
struct PageAttention {
  const T* keys = nullptr;                      // [pages, kvHeads, headDim, kPageTokens]
  const T* values = nullptr;                    // [pages, kvHeads, kPageTokens, headDim]
  int64_t kvHeads = 0, perKv = 0, headDim = 0;  // perKv: query heads per key/value head; headDim % 16 == 0
  const T* query = nullptr;                     // row b, head h: query + b * queryStride + h * headDim
  int64_t queryStride = 0;
  T* out = nullptr;
  int64_t outStride = 0;
  float scale = 1;
  const int32_t* prefixIndex = nullptr;                           // [B]
  const int32_t *prefixTable = nullptr, *prefixLength = nullptr;  // [P, prefixColumns], [P]
  const int32_t *suffixTable = nullptr, *suffixLength = nullptr;  // [B, suffixColumns], [B]
  int64_t prefixColumns = 0, suffixColumns = 0;
};

// Kept between calls; one per thread.
struct PageAttentionScratch {
  std::vector<float> query, out, scores;
};

// The rows after `begin` (inclusive) and before `limit` that share begin's prefix: what attendPages takes at
// a time. Bounded, because scores grow with it.
template <typename T>
int64_t endOfRun(const PageAttention<T>& attention, int64_t begin, int64_t limit);

// Rows [begin, end), which share a prefix, over the query heads of `kvHead`. fp32 scores and sums, exact
// softmax. A row's arithmetic does not depend on the others.
void attendPages(const PageAttention<float>& attention, int64_t begin, int64_t end, int64_t kvHead,
                 PageAttentionScratch& scratch);
void attendPages(const PageAttention<c10::BFloat16>& attention, int64_t begin, int64_t end, int64_t kvHead,
                 PageAttentionScratch& scratch);

template <typename T>
int64_t endOfRun(const PageAttention<T>& attention, int64_t begin, int64_t limit) {
  constexpr int64_t kMaxRun = 16;
  int64_t end = begin + 1;
  while (end < limit && end - begin < kMaxRun && attention.prefixIndex[end] == attention.prefixIndex[begin])
    ++end;
  return end;
}

}  // namespace toolr0::cpu
