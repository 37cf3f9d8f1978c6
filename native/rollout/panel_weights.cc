#include "rollout/panel_weights.h"

#include <ATen/Parallel.h>

#include <string>

#include "runtime/error.h"

namespace toolr0 {
namespace {

// A matrix to pack: where from, and which of `weights`'s it becomes.
struct PackJob {
  at::Tensor weight, bias;
  bool gated;
  cpu::PanelMatrix* to;
};

void pack(const PackJob& job) {
  const int64_t inputs = job.weight.size(1), outputs = job.weight.size(0);
  const auto fill = [&](const at::Tensor& from, int64_t columns, const float* to) {
    const float* source = from.const_data_ptr<float>();
    if (job.gated)
      cpu::packGatedPanels(source, outputs / 2, columns, const_cast<float*>(to));
    else
      cpu::packPanels(source, outputs, columns, const_cast<float*>(to));
  };
  fill(job.weight, inputs, job.to->panels);
  if (job.to->bias != nullptr) fill(job.bias, 1, job.to->bias);
}

}  // namespace

PanelWeights::PanelWeights(const Model& model) : layers(model.weights.layers.size()) {
  std::vector<PackJob> jobs;
  const auto add = [&](const at::Tensor& weight, const at::Tensor& bias, bool gated, cpu::PanelMatrix& to) {
    jobs.push_back({weight.contiguous(), bias.defined() ? bias.contiguous() : bias, gated, &to});
  };
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerWeights& from = model.weights.layers[i];
    add(from.qkvWeight, from.qkvBias, false, layers[i].qkv);
    add(from.outputWeight, from.outputBias, false, layers[i].output);
    add(from.gateUpWeight, from.gateUpBias, true, layers[i].gateUp);
    add(from.downWeight, from.downBias, false, layers[i].down);
  }
  add(model.weights.lmHead, at::Tensor(), false, head);

  int64_t floats = 0;
  for (PackJob& job : jobs) {
    const int64_t outputs = job.weight.size(0);
    job.to->inputs = job.weight.size(1);
    job.to->count = job.gated ? cpu::gatedPanelCount(outputs / 2) : cpu::panelCount(outputs);
    floats += job.to->count * cpu::panelWidth() * (job.to->inputs + (job.bias.defined() ? 1 : 0));
  }
  try {
    memory_ = at::empty({floats}, at::kFloat);
  } catch (const c10::Error&) {
    throw Error(kOutOfMemoryError, "cannot allocate " + std::to_string(floats >> 18) +
                                       " MiB to repack the weights for decoding");
  }
  const float* next = memory_.const_data_ptr<float>();
  for (PackJob& job : jobs) {
    const int64_t width = job.to->count * cpu::panelWidth();
    job.to->panels = next;
    next += width * job.to->inputs;
    if (!job.bias.defined()) continue;
    job.to->bias = next;
    next += width;
  }
  at::parallel_for(0, static_cast<int64_t>(jobs.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack(jobs[i]);
  });
}

}  // namespace toolr0
