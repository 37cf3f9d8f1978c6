#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "grpo/trainer.h"
#include "model/packed_batch.h"

namespace toolr0 {

// Throws Error(kConfigError) naming the row or prompt: offsets that do not fit, an empty prompt, a token
// outside the vocabulary, a sequence longer than the model's context, arrays of the wrong length.
void checkTrainBatch(const TrainBatch& batch, const ModelConfig& config);

// Which rows go into which micro-batch, and the totals over all rows, forwarded or not: the denominators of
// the losses.
struct StepPlan {
  std::vector<std::vector<int32_t>> microBatches;  // rows of the TrainBatch
  int64_t rows = 0, unmaskedTokens = 0;
  int64_t leftOutRows = 0,
          leftOutTokens = 0;  // unmasked tokens of rows that contribute nothing and are not forwarded
};
// Masked and empty rows are left out always, rows of zero advantage when `skipZeroAdvantage`. A group that
// does not fit what is left of a micro-batch starts a new one; one that is larger than `tokenBudget` is split
// and its prompt repeated.
StepPlan planStep(const TrainBatch& batch, bool skipZeroAdvantage, int64_t tokenBudget);

// Some rows, packed: each prompt once, as prefix of its completions. The last token of a completion predicts
// nothing and is not forwarded.
struct MicroBatch {
  PackedBatch packed;
  int64_t rows = 0, width = 0, contextLength = 0;  // longest completion; longest prompt + completion
  // One entry per completion token, row after row:
  at::Tensor hiddenRow, target;  // [N] int64: packed row that predicts it; its id
  at::Tensor cell;               // [N] int64: its place in padded [rows, width] arrays, flattened
  at::Tensor oldLogps, samplingLogps, refLogps;         // [N] fp32; undefined = absent
  at::Tensor advantages;                                // [rows] fp32
  at::Tensor padded(const at::Tensor& perToken) const;  // [N] → [rows, width], 0 in the padding
};
MicroBatch packMicroBatch(const TrainBatch& batch, const std::vector<int32_t>& rows, at::Device device);

}  // namespace toolr0
