#pragma once
// Builds packed batches for tests.
#include <ATen/ATen.h>

#include <map>
#include <vector>

#include "model/packed_batch.h"

namespace check {

// Every sequence a segment of its own.
inline toolr0::PackedBatch packSequences(const std::vector<std::vector<int64_t>>& sequences) {
  std::vector<int64_t> tokens, positions;
  toolr0::PackedBatch batch;
  for (const auto& sequence : sequences) {
    batch.segments.push_back(
        {static_cast<int64_t>(tokens.size()), static_cast<int64_t>(sequence.size()), -1});
    for (size_t i = 0; i < sequence.size(); ++i) {
      tokens.push_back(sequence[i]);
      positions.push_back(static_cast<int64_t>(i));
    }
  }
  batch.tokens = at::tensor(tokens, at::kLong);
  batch.positions = at::tensor(positions, at::kLong);
  return batch;
}

// Equal neighbouring prompts stored once, each completion a segment that continues its prompt. `rows`
// receives, per completion token, the row of the batch whose hidden state predicts it.
inline toolr0::PackedBatch packShared(const std::vector<std::vector<int64_t>>& prompts,
                                      const std::vector<std::vector<int64_t>>& completions,
                                      std::vector<int64_t>& rows) {
  std::vector<int64_t> tokens, positions;
  toolr0::PackedBatch batch;
  std::vector<int32_t> promptOfRow;
  const auto append = [&](const std::vector<int64_t>& ids, int64_t firstPosition, int32_t prefix) {
    batch.segments.push_back({static_cast<int64_t>(tokens.size()), static_cast<int64_t>(ids.size()), prefix});
    for (size_t i = 0; i < ids.size(); ++i) {
      tokens.push_back(ids[i]);
      positions.push_back(firstPosition + static_cast<int64_t>(i));
    }
  };
  for (size_t row = 0; row < prompts.size(); ++row) {
    if (row == 0 || prompts[row] != prompts[row - 1]) append(prompts[row], 0, -1);
    promptOfRow.push_back(static_cast<int32_t>(batch.segments.size()) - 1);
  }
  rows.clear();
  for (size_t row = 0; row < prompts.size(); ++row) {
    const toolr0::Segment prompt = batch.segments[static_cast<size_t>(promptOfRow[row])];
    append(completions[row], prompt.length, promptOfRow[row]);
    const toolr0::Segment completion = batch.segments.back();
    for (int64_t i = 0; i < completion.length; ++i) {
      rows.push_back(i == 0 ? prompt.begin + prompt.length - 1 : completion.begin + i - 1);
    }
  }
  batch.tokens = at::tensor(tokens, at::kLong);
  batch.positions = at::tensor(positions, at::kLong);
  return batch;
}

// The same pairs, each whole sequence on its own.
inline toolr0::PackedBatch packUnshared(const std::vector<std::vector<int64_t>>& prompts,
                                        const std::vector<std::vector<int64_t>>& completions,
                                        std::vector<int64_t>& rows) {
  std::vector<std::vector<int64_t>> sequences;
  for (size_t row = 0; row < prompts.size(); ++row) {
    sequences.push_back(prompts[row]);
    sequences.back().insert(sequences.back().end(), completions[row].begin(), completions[row].end());
  }
  toolr0::PackedBatch batch = packSequences(sequences);
  rows.clear();
  for (size_t row = 0; row < prompts.size(); ++row) {
    const int64_t first = batch.segments[row].begin + static_cast<int64_t>(prompts[row].size()) - 1;
    for (size_t i = 0; i < completions[row].size(); ++i) rows.push_back(first + static_cast<int64_t>(i));
  }
  return batch;
}

}  // namespace check
