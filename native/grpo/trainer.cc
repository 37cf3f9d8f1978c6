#include "grpo/trainer.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "grpo/schedule.h"
#include "grpo/trainer_impl.h"
#include "model/residency.h"
#include "runtime/error.h"
#include "runtime/free_memory.h"

namespace toolr0 {
namespace {

TrainerOptions checkedOptions(TrainerOptions options, const Model& model, const Model* reference) {
  checkSchedule(options.scheduler, options.warmupSteps, options.totalSteps);
  const auto require = [](bool ok, const char* message) {
    if (!ok) throw Error(kConfigError, message);
  };
  require(std::isfinite(options.learningRate) && options.learningRate >= 0,
          "learningRate must not be negative");
  require(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1,
          "beta1 and beta2 must lie in [0, 1)");
  require(options.tokenBudget >= 0, "tokenBudget must be at least 1, or 0 to let the memory decide");
  require(options.activationBytes >= 0, "activationBytes must not be negative (0 = what is free)");
  require(options.logprobChunkRows >= 1, "logprobChunkRows must be at least 1");
  require(options.temperature > 0,
          "temperature must be above 0: the trainer needs the distribution that was sampled");
  require(options.maxGradNorm >= 0, "maxGradNorm must not be negative (0 = no clipping)");
  require(reference == nullptr || reference->config.vocabSize == model.config.vocabSize,
          "the reference model has another vocabulary than the trained one");
  // Every loss option is checked where it is used; one empty call here tells the caller at once.
  const at::Tensor none = at::zeros({0, 1});
  grpoLoss({none, none, at::zeros({0}), none, none, none, none}, options.loss);
  return options;
}

at::Tensor findSlice(const ModelConfig& config, ModelWeights& weights, const std::string& name) {
  for (NamedSlice& slice : huggingFaceSlices(config, weights))
    if (slice.name == name) return slice.tensor;
  throw Error(kConfigError, "this model has no parameter '" + name + "'");
}

}  // namespace

Trainer::Impl::Impl(std::shared_ptr<Model> trained, TrainerOptions given, std::shared_ptr<Model> frozen)
    : model(std::move(trained)),
      reference(std::move(frozen)),
      memory(stepMemory(model->config, model->dtype, model->device)),
      options(checkedOptions(std::move(given), *model, reference.get())),
      gradients(emptyWeightsLike(model->config, model->device, at::kFloat)),
      optimizer(*model, gradients, options) {
  if (options.tokenBudget == 0) {
    options.tokenBudget = automaticTokenBudget(model->config, memory, model->device, model->parameterCount(),
                                               totalMemory(model->device));
  }
}

int64_t Trainer::Impl::layersToKeep(int64_t tokens, int64_t scored) const {
  if (options.activationCheckpointing) return 0;
  constexpr double kShare = 0.8;  // of what is free; the rest is left to others and to fragmentation
  const auto available = options.activationBytes > 0
                             ? options.activationBytes
                             : static_cast<int64_t>(kShare * static_cast<double>(freeMemory(model->device)));
  return toolr0::layersToKeep(model->config, memory, tokens, std::min(scored, options.logprobChunkRows),
                              available);
}

template <typename Work>
Metrics Trainer::Impl::guarded(const Work& work) {
  const c10::NoGradGuard noGrad;
  const auto start = std::chrono::steady_clock::now();
  try {
    ensureResident();
    hasGradients = true;
    Metrics metrics = work();
    metrics["toolr0/train_seconds"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return metrics;
  } catch (...) {
    zeroGradients();
    throw;
  }
}

void Trainer::Impl::zeroGradients() {
  const c10::NoGradGuard noGrad;
  optimizer.zeroGradients();
  sawNonFiniteLoss = false;
  hasGradients = false;
}

void Trainer::Impl::ensureResident() {
  restoreWeights(*model);
  if (reference) restoreWeights(*reference);
  if (optimizer.offloaded()) optimizer.restore();
}

double Trainer::Impl::schedule() const {
  return scheduleFactor(options.scheduler, counters.step, options.warmupSteps, options.totalSteps);
}

Trainer::Trainer(std::shared_ptr<Model> model, TrainerOptions options, std::shared_ptr<Model> reference) {
  const c10::NoGradGuard noGrad;
  impl_ = std::make_unique<Impl>(std::move(model), std::move(options), std::move(reference));
}
Trainer::~Trainer() = default;

Metrics Trainer::forwardBackward(const TrainBatch& batch, const CancelToken& cancel) {
  return impl_->guarded([&] { return impl_->addPolicyGradient(batch, cancel); });
}

Metrics Trainer::languageModelForwardBackward(const LanguageModelBatch& batch, const CancelToken& cancel) {
  return impl_->guarded([&] { return impl_->addLanguageModelGradient(batch, cancel); });
}

Metrics Trainer::optimStep(double learningRate) {
  const c10::NoGradGuard noGrad;
  Impl& self = *impl_;
  self.ensureResident();
  const TrainerOptions& options = self.options;
  const double schedule = learningRate >= 0
                              ? (options.learningRate > 0 ? learningRate / options.learningRate : 1.0)
                              : self.schedule();
  const double rate = learningRate >= 0 ? learningRate : options.learningRate * schedule;
  const double norm = self.optimizer.gradientNorm();
  const bool finite = std::isfinite(norm) && !self.sawNonFiniteLoss;
  if (finite) {
    const double factor = options.maxGradNorm > 0 ? std::min(1.0, options.maxGradNorm / (norm + 1e-6)) : 1.0;
    self.optimizer.step(rate, schedule, factor, self.counters.step + 1);
    ++self.counters.step;
    self.counters.consecutiveSkipped = 0;
  } else {
    ++self.counters.skippedSteps;
    ++self.counters.consecutiveSkipped;
  }
  self.zeroGradients();
  if (!finite && self.counters.consecutiveSkipped >= options.maxSkippedSteps) {
    throw Error(kNumericError,
                std::to_string(self.counters.consecutiveSkipped) +
                    " optimiser steps in a row had a loss or gradient that was not finite; the weights are "
                    "those of step " +
                    std::to_string(self.counters.step) +
                    ". Lower the learning rate, check rewards and advantages, or resume from an earlier "
                    "checkpoint");
  }
  return {{"grad_norm", norm},
          {"learning_rate", rate},
          {"step", static_cast<double>(self.counters.step)},
          {"skipped", finite ? 0.0 : 1.0}};
}

void Trainer::zeroGradients() {
  impl_->zeroGradients();
}

void Trainer::offload() {
  const c10::NoGradGuard noGrad;
  if (impl_->hasGradients) {
    throw Error(
        kConfigError,
        "the trainer holds gradients that were not stepped: call optimStep() or zeroGradients() before "
        "offload()");
  }
  if (!impl_->optimizer.offloaded()) impl_->optimizer.offload();
}

void Trainer::restore() {
  const c10::NoGradGuard noGrad;
  impl_->ensureResident();
}

int64_t Trainer::step() const {
  return impl_->counters.step;
}

std::map<std::string, double> Trainer::gradientNorms() {
  const c10::NoGradGuard noGrad;
  impl_->ensureResident();
  std::map<std::string, double> norms;
  for (const NamedSlice& slice : huggingFaceSlices(impl_->model->config, impl_->gradients)) {
    norms[slice.name] = slice.tensor.to(at::kDouble).norm().item<double>();
  }
  return norms;
}

at::Tensor Trainer::gradient(const std::string& huggingFaceName) {
  impl_->ensureResident();
  return findSlice(impl_->model->config, impl_->gradients, huggingFaceName);
}

at::Tensor Trainer::parameter(const std::string& huggingFaceName) {
  ModelWeights masters = impl_->model->weights;  // same structure; the tensors are replaced below
  size_t next = 0;
  masters.forEach(
      [&](const std::string&, at::Tensor& tensor) { tensor = impl_->optimizer.parameters()[next++].master; });
  return findSlice(impl_->model->config, masters, huggingFaceName);
}

void Trainer::saveState(const std::string& file) {
  saveTrainerState(file, impl_->optimizer.parameters(), impl_->counters, impl_->options.optimizer);
}

void Trainer::loadState(const std::string& file) {
  const c10::NoGradGuard noGrad;
  impl_->counters = loadTrainerState(file, impl_->optimizer.parameters(), impl_->options.optimizer);
  impl_->optimizer.refreshCopies();
  impl_->zeroGradients();
}

}  // namespace toolr0
