#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "kernels/panel_linear.h"
#include "model/model.h"

namespace toolr0 {

// The matrices of an fp32 model repacked for cpu::panelLinear, in the order in which a step uses them.
class PanelWeights {
 public:
  struct Layer {
    cpu::PanelMatrix qkv, output, gateUp, down;
  };

  // Throws Error(kOutOfMemoryError) if there is no memory for the copy.
  explicit PanelWeights(const Model& model);

  std::vector<Layer> layers;
  cpu::PanelMatrix head;

 private:
  at::Tensor memory_;
};

}  // namespace toolr0
