#pragma once
#include <ATen/ATen.h>

#include "model/model.h"

namespace toolr0 {

// Moves `tensor` to `device` in place: every handle of it sees the move. Nothing where it is there already.
void moveTensor(const at::Tensor& tensor, at::Device device);

// Puts the weights of a model that is not needed for now into host memory, and drops what generate() keeps
// between calls. A model of the CPU stays where it is. No forward pass may run before restoreWeights().
void offloadWeights(Model& model);
void restoreWeights(Model& model);

}  // namespace toolr0
