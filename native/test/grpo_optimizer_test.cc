// Schedules, Muon, skipped steps, and the state file.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "check.h"
#include "grpo/muon.h"
#include "grpo/schedule.h"
#include "grpo_tiny.h"
#include "model/safetensors.h"
#include "runtime/error.h"

using namespace toolr0;

namespace {

void schedulesAreTransformers() {
  CHECK(scheduleFactor("constant", 0, 5, 0) == 1.0);
  CHECK(scheduleFactor("constant_with_warmup", 0, 4, 0) == 0.0);
  CHECK(scheduleFactor("constant_with_warmup", 1, 4, 0) == 0.25);
  CHECK(scheduleFactor("constant_with_warmup", 9, 4, 0) == 1.0);
  CHECK(scheduleFactor("linear", 2, 4, 12) == 0.5);
  CHECK(scheduleFactor("linear", 4, 4, 12) == 1.0);
  CHECK(scheduleFactor("linear", 8, 4, 12) == 0.5);
  CHECK(scheduleFactor("linear", 99, 4, 12) == 0.0);
  CHECK_NEAR(scheduleFactor("cosine", 8, 4, 12), 0.5, 1e-12);
  CHECK_NEAR(scheduleFactor("cosine", 6, 4, 12), 0.5 * (1 + std::sqrt(0.5)), 1e-12);
  CHECK(scheduleFactor("cosine", 12, 4, 12) == 0.0);
  CHECK_ERROR(checkSchedule("step", 0, 0), kConfigError, "cosine");
  CHECK_ERROR(checkSchedule("linear", 0, 0), kConfigError, "totalSteps");
}

void muonOrthogonalises() {
  for (const auto& [rows, cols] : {std::pair{40, 24}, {24, 40}, {32, 32}}) {
    const at::Tensor x = orthogonalize(at::randn({rows, cols}));
    const at::Tensor gram = rows > cols ? x.t().mm(x) : x.mm(x.t());
    const at::Tensor squared = std::get<0>(at::linalg_eigh(gram));  // squared singular values
    CHECK(squared.max().item<double>() < 1.25 * 1.25);
    CHECK(squared.median().item<double>() > 0.6 * 0.6);
    CHECK(x.size(0) == rows && x.size(1) == cols);
  }
  // A fused matrix is stepped as its parts.
  const at::Tensor gradient = at::randn({12, 6});
  at::Tensor fused = at::ones({12, 6}), momentum = at::zeros({12, 6});
  const MuonOptions options{0.1, 0.9, 0.01, 0.5};
  for (int step = 0; step < 2; ++step) muonStep(fused, momentum, gradient, {{0, 8}, {8, 4}}, options);
  at::Tensor top = at::ones({8, 6}), bottom = at::ones({4, 6}), m1 = at::zeros({8, 6}),
             m2 = at::zeros({4, 6});
  for (int step = 0; step < 2; ++step) {
    muonStep(top, m1, gradient.narrow(0, 0, 8), {{0, 8}}, options);
    muonStep(bottom, m2, gradient.narrow(0, 8, 4), {{0, 4}}, options);
  }
  CHECK(at::allclose(fused, at::cat({top, bottom}), 1e-5, 1e-6));
  CHECK(!at::allclose(fused, at::ones({12, 6}), 1e-2, 1e-2));
}

TrainerOptions options(const std::string& optimizer) {
  TrainerOptions o;
  o.optimizer = optimizer;
  o.learningRate = 1e-2;
  o.weightDecay = 0.01;
  return o;
}

void nonFiniteStepsAreSkippedThenRefused() {
  const auto model = check::tinyModel();
  const TrainBatch good = check::randomBatch(*model, 2, 2, 5, 3);
  TrainBatch bad = good;
  bad.advantages[1] = std::numeric_limits<float>::quiet_NaN();
  TrainerOptions o = options("adamw");
  o.maxSkippedSteps = 2;
  Trainer trainer(model, o, nullptr);
  const at::Tensor before = model->weights.embedding.clone();
  CHECK(std::isnan(trainer.forwardBackward(bad, {}).at("loss")));
  Metrics metrics = trainer.optimStep();
  CHECK(metrics.at("skipped") == 1 && metrics.at("step") == 0);
  CHECK(model->weights.embedding.equal(before));
  trainer.forwardBackward(good, {});
  metrics = trainer.optimStep();  // one good step starts the count anew
  CHECK(metrics.at("skipped") == 0 && metrics.at("step") == 1 && metrics.at("grad_norm") > 0);
  CHECK(!model->weights.embedding.equal(before));
  trainer.gradient("model.norm.weight").fill_(std::numeric_limits<float>::infinity());
  CHECK(trainer.optimStep().at("skipped") == 1);
  trainer.forwardBackward(bad, {});
  CHECK_ERROR(trainer.optimStep(), kNumericError, "2 optimiser steps in a row");
  CHECK(trainer.step() == 1 && model->weights.embedding.isfinite().all().item<bool>());
}

void clippingAndExplicitRate() {
  const auto model = check::tinyModel();
  TrainerOptions o = options("adamw");
  o.scheduler = "constant_with_warmup";
  o.warmupSteps = 2;
  Trainer trainer(model, o, nullptr);
  const at::Tensor before = model->weights.embedding.clone();
  trainer.gradient("model.norm.weight").fill_(1.0f);
  Metrics metrics = trainer.optimStep();
  CHECK_NEAR(metrics.at("grad_norm"), std::sqrt(32.0), 1e-5);
  CHECK(metrics.at("learning_rate") == 0 && model->weights.embedding.equal(before));
  metrics = trainer.optimStep();
  CHECK_NEAR(metrics.at("learning_rate"), 5e-3, 1e-12);
  CHECK_NEAR(trainer.optimStep(0.25).at("learning_rate"), 0.25, 1e-12);
}

void stateRoundTripIsExact(const std::string& optimizer, at::ScalarType dtype) {
  const check::TemporaryFolder folder;
  const auto a = check::tinyModel({}, 1, dtype);
  const TrainBatch batch = check::randomBatch(*a, 2, 3, 6, 3);
  Trainer first(a, options(optimizer), nullptr);
  for (int i = 0; i < 3; ++i) {
    first.forwardBackward(batch, {});
    first.optimStep();
  }
  first.saveState(folder.file("state.safetensors"));
  const auto b = check::tinyModel({}, 99, dtype);
  Trainer second(b, options(optimizer), nullptr);
  second.loadState(folder.file("state.safetensors"));
  CHECK(second.step() == 3);
  for (Trainer* trainer : {&first, &second}) {
    trainer->forwardBackward(batch, {});
    trainer->optimStep();
  }
  bool equal = true;
  std::vector<at::Tensor> left;
  a->weights.forEach([&](const std::string&, at::Tensor& t) { left.push_back(t); });
  size_t next = 0;
  b->weights.forEach([&](const std::string&, at::Tensor& t) { equal = equal && t.equal(left[next++]); });
  CHECK(equal && first.step() == 4 && second.step() == 4);
  CHECK(first.parameter("model.norm.weight").scalar_type() == at::kFloat);
  CHECK(first.parameter("model.layers.1.self_attn.v_proj.weight")
            .equal(second.parameter("model.layers.1.self_attn.v_proj.weight")));
}

void badStatesAreRefused() {
  const check::TemporaryFolder folder;
  const auto model = check::tinyModel();
  Trainer trainer(model, options("adamw"), nullptr);
  trainer.saveState(folder.file("state.safetensors"));
  const at::Tensor before = model->weights.embedding.clone();
  Trainer muon(check::tinyModel(), options("muon"), nullptr);
  CHECK_ERROR(muon.loadState(folder.file("state.safetensors")), kCheckpointError, "optimizer 'adamw'");
  Trainer other(check::tinyModel({.hidden = 16}), options("adamw"), nullptr);
  CHECK_ERROR(other.loadState(folder.file("state.safetensors")), kCheckpointError, "this model needs F32");
  Trainer deeper(check::tinyModel({.layers = 3}), options("adamw"), nullptr);
  CHECK_ERROR(deeper.loadState(folder.file("state.safetensors")), kCheckpointError, "another model");
  Trainer shallower(check::tinyModel({.layers = 1}), options("adamw"), nullptr);
  CHECK_ERROR(shallower.loadState(folder.file("state.safetensors")), kCheckpointError, "another model");
  folder.write("garbage.safetensors", "not a state at all");
  CHECK_ERROR(trainer.loadState(folder.file("garbage.safetensors")), kCheckpointError, "garbage.safetensors");
  writeSafetensors(folder.file("weights.safetensors"), {{"x", at::zeros({1})}});
  CHECK_ERROR(trainer.loadState(folder.file("weights.safetensors")), kCheckpointError, "no trainer state");
  CHECK(model->weights.embedding.equal(before));
  CHECK_ERROR(trainer.saveState(folder.file("missing/state.safetensors")), kIoError, "No such file");
  folder.write("file", "x");
  CHECK_ERROR(trainer.saveState(folder.file("file") + "/state.safetensors"), kIoError, "Not a directory");
}

}  // namespace

int main() {
  at::manual_seed(3);
  const c10::NoGradGuard noGrad;
  schedulesAreTransformers();
  muonOrthogonalises();
  nonFiniteStepsAreSkippedThenRefused();
  clippingAndExplicitRate();
  for (const char* optimizer : {"adamw", "muon"})
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) stateRoundTripIsExact(optimizer, dtype);
  badStatesAreRefused();
  return check::report();
}
