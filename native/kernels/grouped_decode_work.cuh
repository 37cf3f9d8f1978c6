#pragma once
// Who does what in grouped_decode_attention.cu: the blocks of a launch are first the stretches of the runs'
// prompts, then the stretches of the rows' own tokens.
#include "kernels/cuda_launchers.h"
#include "kernels/launch.cuh"

namespace toolr0::cuda {

inline constexpr int kTileTokens = 64;  // a stretch is a whole number of tiles but for its end

struct Work {
  int firstRow, rows, begin, end, part;
  const int32_t* table;
};

// Tokens of one stretch: `length` in at most `splits` stretches of whole tiles.
__device__ inline int stretchOf(int length, int splits) {
  const int perSplit = (length + splits - 1) / splits;
  return (perSplit + kTileTokens - 1) / kTileTokens * kTileTokens;
}
__device__ inline int stretchesOf(int length, int splits) {
  if (length == 0) return 0;
  const int stretch = stretchOf(length, splits);
  return (length + stretch - 1) / stretch;
}
__device__ inline int prefixPartsOf(const GroupedDecodePointers& p, int row) {
  return stretchesOf(p.prefixLength[p.prefixIndex[row]], p.prefixSplits);
}

// False if there is nothing to do for this block.
__device__ inline bool findWork(const GroupedDecodePointers& p, Work& work) {
  const int index = blockIdx.x, prefixBlocks = p.runs * p.prefixSplits;
  int length, splits, split;
  if (index < prefixBlocks) {
    const int run = index / p.prefixSplits;
    work.firstRow = p.runStart[run];
    work.rows = p.runCount[run];
    if (work.rows == 0) return false;
    const int prefix = p.prefixIndex[work.firstRow];
    work.table = p.prefixTable + static_cast<int64_t>(prefix) * p.prefixColumns;
    length = p.prefixLength[prefix];
    splits = p.prefixSplits;
    split = index % p.prefixSplits;
    work.part = split;
  } else {
    work.firstRow = (index - prefixBlocks) / p.suffixSplits;
    work.rows = 1;
    work.table = p.suffixTable + static_cast<int64_t>(work.firstRow) * p.suffixColumns;
    length = p.suffixLength[work.firstRow];
    splits = p.suffixSplits;
    split = (index - prefixBlocks) % p.suffixSplits;
    work.part = prefixPartsOf(p, work.firstRow) + split;
  }
  if (split >= stretchesOf(length, splits)) return false;
  const int stretch = stretchOf(length, splits);
  work.begin = split * stretch;
  work.end = min(length, work.begin + stretch);
  return true;
}

}  // namespace toolr0::cuda
