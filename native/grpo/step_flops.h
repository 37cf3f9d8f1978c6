#pragma once
#include "model/model_config.h"
#include "model/packed_batch.h"

namespace toolr0 {

// Floating-point operations of the forward and backward pass of one packed batch, as model FLOPs utilisation
// counts them (PaLM, appendix B): 6 per weight of a matrix and token that passes through it, and 12 · layers
// · heads · headDim per pair of a query and a key it sees. A prompt shared by its completions counts once,
// the head for the `scoredTokens` alone. What is computed a second time (checkpointed layers, logits in the
// backward pass) does not count.
double trainingFlops(const ModelConfig& config, const PackedBatch& batch, int64_t scoredTokens);

}  // namespace toolr0
