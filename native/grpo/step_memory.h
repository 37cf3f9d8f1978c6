#pragma once
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>

#include "model/model_config.h"

namespace toolr0 {

// What a training pass holds beyond weights, gradients and optimiser state. lib/report/estimate.ts plans
// with the same terms.
struct StepMemory {
  int64_t inputBytes = 0;    // per packed token: the residual stream entering one layer, always kept
  int64_t tapeBytes = 0;     // per packed token: what else the backward pass of one layer reads
  int64_t workingBytes = 0;  // per packed token: gradients alive inside the backward pass of one layer
  int64_t headBytes = 0;     // per scored token of a chunk: its logits and their gradient
};
StepMemory stepMemory(const ModelConfig& config, c10::ScalarType dtype, c10::Device device);

// Of how many layers, the last ones, the tape is kept; the others are computed again in the backward pass. As
// many as `availableBytes` hold beside the rest, for `tokens` packed tokens whose log-probabilities are taken
// `headRows` at a time.
int64_t layersToKeep(const ModelConfig& config, const StepMemory& memory, int64_t tokens, int64_t headRows,
                     int64_t availableBytes);

// Packed tokens per micro-batch where none are given. CPU: 2,048, as larger ones gain nothing there. CUDA: as
// many as `totalBytes` hold without computing anything again, beside weights and optimiser state of two
// roles; 2,048 to 16,384. It does not depend on what is free at the moment, so that seeds reproduce.
int64_t automaticTokenBudget(const ModelConfig& config, const StepMemory& memory, c10::Device device,
                             int64_t parameters, int64_t totalBytes);

}  // namespace toolr0
