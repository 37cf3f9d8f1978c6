#pragma once
#include <ATen/ATen.h>

#include "model/model.h"
#include "model/packed_batch.h"

namespace toolr0 {

// Hidden states [tokens, hidden] after the final norm of a packed batch, nothing kept for a backward pass.
at::Tensor packedForward(Model& model, const PackedBatch& batch, int64_t contextLength);

}  // namespace toolr0
