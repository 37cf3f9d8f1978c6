#pragma once
#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/packed_batch.h"

namespace toolr0 {

// Sequences back to back, as they come in from outside.
struct Documents {
  const std::vector<int32_t>& tokens;
  const std::vector<int32_t>& offsets;  // [documents + 1]
};

// Some documents, packed without prefixes: every token that is wanted, and the row that predicts it.
struct DocumentBatch {
  PackedBatch packed;
  at::Tensor hiddenRow, target;    // [N] int64
  std::vector<int64_t> predictor;  // [N] index into Documents::tokens of the token *before* the wanted one
  int64_t contextLength = 0;
};

// lengths[i] tokens of document i are forwarded; documents of length 0 are left out. Returns lists of
// document numbers whose lengths add up to at most `tokenBudget` (a single longer document has its own).
std::vector<std::vector<int32_t>> planDocuments(const std::vector<int64_t>& lengths, int64_t tokenBudget);

// `wanted(i)`: is token i of Documents::tokens to be predicted? Asked for the second to the length+1-th token
// of a document.
template <typename Wanted>
DocumentBatch packDocuments(const Documents& documents, const std::vector<int32_t>& which,
                            const std::vector<int64_t>& lengths, const Wanted& wanted, at::Device device) {
  DocumentBatch out;
  std::vector<int64_t> tokens, positions, hiddenRow, target;
  for (const int32_t document : which) {
    const int64_t begin = documents.offsets[document], length = lengths[document];
    out.packed.segments.push_back({static_cast<int64_t>(tokens.size()), length, -1});
    for (int64_t t = 0; t < length; ++t) {
      if (wanted(begin + t + 1)) {
        hiddenRow.push_back(static_cast<int64_t>(tokens.size()));
        target.push_back(documents.tokens[begin + t + 1]);
        out.predictor.push_back(begin + t);
      }
      tokens.push_back(documents.tokens[begin + t]);
      positions.push_back(t);
    }
    out.contextLength = std::max(out.contextLength, length);
  }
  out.packed.tokens = at::tensor(tokens, at::kLong).to(device);
  out.packed.positions = at::tensor(positions, at::kLong).to(device);
  out.hiddenRow = at::tensor(hiddenRow, at::kLong).to(device);
  out.target = at::tensor(target, at::kLong).to(device);
  return out;
}

}  // namespace toolr0
