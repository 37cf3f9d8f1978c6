#include "grpo/optimizer.h"

#include "grpo/muon.h"
#include "kernels/adamw.h"
#include "model/residency.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

// Muon is for matrices that map hidden states to hidden states: embeddings and heads, whose rows are separate
// things, and vectors keep AdamW.
bool isHiddenMatrix(const std::string& name, const at::Tensor& tensor) {
  return tensor.dim() == 2 && name.find(".layers.") != std::string::npos;
}

std::vector<std::pair<int64_t, int64_t>> rowSlices(const ModelConfig& config, const std::string& name,
                                                   int64_t rows) {
  const int64_t query = config.numAttentionHeads * config.headDim,
                key = config.numKeyValueHeads * config.headDim;
  if (name.find("qkv_proj") != std::string::npos) return {{0, query}, {query, key}, {query + key, key}};
  if (name.find("gate_up_proj") != std::string::npos) return {{0, rows / 2}, {rows / 2, rows / 2}};
  return {{0, rows}};
}

}  // namespace

Optimizer::Optimizer(Model& model, ModelWeights& gradients, const TrainerOptions& options)
    : options_(options), device_(model.device) {
  if (options.optimizer != "adamw" && options.optimizer != "muon") {
    throw Error(kConfigError, "optimizer must be adamw or muon, not '" + options.optimizer + "'");
  }
  model.weights.forEach([&](const std::string& name, at::Tensor& weight) {
    TrainedParameter p;
    p.name = name;
    const bool isMaster = weight.scalar_type() == at::kFloat;
    p.master = isMaster ? weight : weight.to(at::kFloat);
    if (!isMaster) p.copy = weight;
    p.usesMuon = options.optimizer == "muon" && isHiddenMatrix(name, weight);
    p.firstMoment = at::zeros_like(p.master);
    if (!p.usesMuon) p.secondMoment = at::zeros_like(p.master);
    p.slices = rowSlices(model.config, name, weight.size(0));
    parameters_.push_back(std::move(p));
  });
  size_t next = 0;
  gradients.forEach(
      [&](const std::string&, at::Tensor& gradient) { parameters_[next++].gradient = gradient; });
}

double Optimizer::gradientNorm() const {
  std::vector<at::Tensor> gradients;
  for (const TrainedParameter& p : parameters_) gradients.push_back(p.gradient);
  return at::stack(at::_foreach_norm(gradients)).to(at::kDouble).norm().item<double>();
}

void Optimizer::step(double learningRate, double schedule, double factor, int64_t step) {
  AdamWOptions adamw{
      learningRate, options_.beta1, options_.beta2, options_.epsilon, options_.weightDecay, factor, step};
  const MuonOptions muon{options_.muonLearningRate * schedule, options_.muonMomentum, options_.weightDecay,
                         factor};
  for (TrainedParameter& p : parameters_) {
    if (p.usesMuon) {
      muonStep(p.master, p.firstMoment, p.gradient, p.slices, muon);
      if (p.copy.defined()) p.copy.copy_(p.master);
    } else {
      adamwStep(p.master, p.firstMoment, p.secondMoment, p.gradient, p.copy, adamw);
    }
  }
}

void Optimizer::zeroGradients() {
  for (TrainedParameter& p : parameters_) p.gradient.zero_();
}

void Optimizer::offload() {
  offloaded_ = true;
  for (TrainedParameter& p : parameters_) {
    if (p.copy.defined()) moveTensor(p.master, at::kCPU);
    moveTensor(p.firstMoment, at::kCPU);
    moveTensor(p.secondMoment, at::kCPU);
    p.gradient.unsafeGetTensorImpl()->shallow_copy_from(
        at::empty({0}, p.gradient.options()).getIntrusivePtr());
  }
}

void Optimizer::restore() {
  for (TrainedParameter& p : parameters_) {
    moveTensor(p.master, device_);
    moveTensor(p.firstMoment, device_);
    moveTensor(p.secondMoment, device_);
    const at::Tensor zeros = at::zeros(p.master.sizes(), p.gradient.options());
    p.gradient.unsafeGetTensorImpl()->shallow_copy_from(zeros.getIntrusivePtr());
  }
  offloaded_ = false;  // last: what ran out of memory on the way can be tried again
}

void Optimizer::refreshCopies() {
  for (TrainedParameter& p : parameters_)
    if (p.copy.defined()) p.copy.copy_(p.master);
}

}  // namespace toolr0
