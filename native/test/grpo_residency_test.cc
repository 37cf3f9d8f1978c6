// A role that waits in host memory: training goes on to the bit, gradients are freed, and nothing is lost.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "check.h"
#include "grpo_tiny.h"
#include "model/residency.h"
#include "runtime/error.h"
#include "runtime/host_memory.h"

using namespace toolr0;

namespace {

void movesEveryHandle() {
  const at::Tensor x = at::ones({3, 4}), same = x;
  moveTensor(x, at::kCPU);
  CHECK(same.sum().item<double>() == 12);
  moveTensor(x, at::kMeta);  // a second device that every machine has
  CHECK(same.is_meta() && same.sizes() == at::IntArrayRef({3, 4}));
  moveTensor(at::Tensor(), at::kMeta);
}

void trainingGoesOnToTheBit(at::ScalarType dtype, const char* optimizer) {
  const auto straight = check::tinyModel({}, 1, dtype), moved = check::tinyModel({}, 1, dtype);
  TrainerOptions options;
  options.optimizer = optimizer;
  options.learningRate = 1e-2;
  Trainer a(straight, options, nullptr), b(moved, options, nullptr);
  const TrainBatch batch = check::randomBatch(*straight, 3, 3, 8, 11);
  for (int step = 0; step < 3; ++step) {
    a.forwardBackward(batch, {});
    b.forwardBackward(batch, {});
    a.optimStep();
    b.optimStep();
    b.offload();
    b.offload();
    offloadWeights(*moved);
    if (step == 1) {
      b.restore();
      restoreWeights(*moved);
    }
  }
  CHECK(b.step() == 3);
  for (const auto& [name, norm] : a.gradientNorms()) {
    CHECK(norm == 0);
    check::that(at::equal(a.parameter(name), b.parameter(name)), "same weights", __FILE__, __LINE__, name);
  }
}

void offloadRefusesHalfAStep() {
  const auto model = check::tinyModel();
  Trainer trainer(model, {}, nullptr);
  const TrainBatch batch = check::randomBatch(*model, 2, 2, 6, 1);
  trainer.forwardBackward(batch, {});
  CHECK_ERROR(trainer.offload(), kConfigError, "optimStep()");
  trainer.zeroGradients();
  trainer.offload();
}

void stateIsSavedAndReadWhileAway() {
  const check::TemporaryFolder folder;
  const std::string file = folder.path() + "/state.safetensors";
  const auto model = check::tinyModel({}, 1, at::kBFloat16), other = check::tinyModel({}, 2, at::kBFloat16);
  Trainer trainer(model, {}, nullptr), reader(other, {}, nullptr);
  const TrainBatch batch = check::randomBatch(*model, 2, 3, 6, 1);
  trainer.forwardBackward(batch, {});
  trainer.optimStep();
  trainer.offload();
  trainer.saveState(file);
  reader.offload();
  reader.loadState(file);
  for (const auto& [name, norm] : trainer.gradientNorms())
    CHECK(at::equal(reader.parameter(name), trainer.parameter(name)));
  CHECK(reader.step() == 1);
}

void gradientsAreFreed() {
  const at::Tensor probe = at::empty({1 << 20});
  if (hostMemoryStats().usedBytes == 0) return;
  const auto model = check::tinyModel({.vocab = 4000, .hidden = 512, .layers = 2, .intermediate = 2048});
  Trainer trainer(model, {}, nullptr);
  const int64_t before = hostMemoryStats().usedBytes;
  trainer.offload();
  const auto freed = static_cast<double>(before - hostMemoryStats().usedBytes);
  CHECK(freed > 0.95 * 4 * static_cast<double>(model->parameterCount()));
  trainer.restore();
  CHECK(hostMemoryStats().usedBytes == before);
}

}  // namespace

int main() {
  const c10::NoGradGuard noGrad;
  movesEveryHandle();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const char* optimizer : {"adamw", "muon"}) trainingGoesOnToTheBit(dtype, optimizer);
  offloadRefusesHalfAStep();
  stateIsSavedAndReadWhileAway();
  gradientsAreFreed();
  return check::report();
}
