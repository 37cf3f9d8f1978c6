// How much of the activations is kept: the choice, that it changes nothing but memory, and that the bytes
// planned are those that are used.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "check.h"
#include "grpo/step_flops.h"
#include "grpo/step_memory.h"
#include "grpo/step_metrics.h"
#include "grpo_tiny.h"
#include "runtime/host_memory.h"

using namespace toolr0;

namespace {

const check::TinyShape kShape{.vocab = 3000, .hidden = 256, .layers = 6, .heads = 4, .intermediate = 768};

void keepsAsManyLayersAsFit() {
  const auto model = check::tinyModel(kShape);
  const StepMemory memory = stepMemory(model->config, at::kFloat, at::kCPU);
  const auto keep = [&](int64_t bytes) { return layersToKeep(model->config, memory, 1000, 200, bytes); };
  const int64_t always =
      7 * memory.inputBytes * 1000 + std::max(memory.workingBytes * 1000, memory.headBytes * 200);
  CHECK(keep(0) == 0);
  CHECK(keep(always) == 0);
  CHECK(keep(always + memory.tapeBytes * 1000) == 1);
  CHECK(keep(always + 4 * memory.tapeBytes * 1000 - 1) == 3);
  CHECK(keep(int64_t{1} << 50) == 6);
  CHECK(layersToKeep(model->config, memory, 2000, 200, always + memory.tapeBytes * 3000) < 2);
}

void budgetsDependOnTheDeviceAlone() {
  const auto model = check::tinyModel(kShape);
  const StepMemory memory = stepMemory(model->config, at::kBFloat16, at::kCUDA);
  const int64_t parameters = 1543714304;  // Qwen2.5-1.5B
  ModelConfig large = model->config;
  large.hiddenSize = 1536, large.intermediateSize = 8960, large.numHiddenLayers = 28;
  large.numAttentionHeads = 12, large.numKeyValueHeads = 2, large.headDim = 128, large.vocabSize = 151936;
  const StepMemory wide = stepMemory(large, at::kBFloat16, at::kCUDA);
  const auto budget = [&](int64_t gigabytes) {
    return automaticTokenBudget(large, wide, at::kCUDA, parameters, gigabytes << 30);
  };
  CHECK(automaticTokenBudget(model->config, memory, at::kCPU, 1, int64_t{1} << 50) == 2048);
  CHECK(budget(141) == 16384);  // one H200 holds both roles and a full step
  CHECK(budget(80) > 2048 && budget(80) < 16384);
  CHECK(budget(24) == 2048);
}

// Recomputing any number of layers gives the same gradient to the bit.
void keepingLessChangesNothing() {
  const auto model = check::tinyModel({.layers = 4});
  const TrainBatch batch = check::randomBatch(*model, 3, 4, 12, 5);
  const StepMemory memory = stepMemory(model->config, at::kFloat, at::kCPU);
  TrainerOptions options;
  Trainer whole(model, options, nullptr);
  CHECK(whole.forwardBackward(batch, {}).at("toolr0/checkpointed_layers") == 0);
  double last = 5;
  for (const double share : {0.0, 0.3, 0.6, 0.9}) {
    options.activationBytes =
        std::max<int64_t>(1, static_cast<int64_t>(share * 4 * static_cast<double>(memory.tapeBytes) * 150));
    Trainer less(model, options, nullptr);
    const double checkpointed = less.forwardBackward(batch, {}).at("toolr0/checkpointed_layers");
    CHECK(checkpointed <= last);
    last = checkpointed;
    for (const auto& [name, norm] : whole.gradientNorms())
      check::that(at::equal(less.gradient(name), whole.gradient(name)), "same gradient", __FILE__, __LINE__,
                  name + " with " + std::to_string(checkpointed) + " layers recomputed");
  }
  options.activationCheckpointing = true;
  CHECK(Trainer(model, options, nullptr).forwardBackward(batch, {}).at("toolr0/checkpointed_layers") == 4);
}

// Peak of live tensors in a step, above what was there before it, against the plan.
void theBytesArePlanned(at::ScalarType dtype, bool checkpointing, int64_t chunkRows) {
  const auto model = check::tinyModel(kShape, 1, dtype);
  const TrainBatch batch = check::randomBatch(*model, 8, 8, 120, 9);
  TrainerOptions options;
  options.tokenBudget = 16384;
  options.activationCheckpointing = checkpointing;
  options.logprobChunkRows = chunkRows;
  Trainer trainer(model, options, nullptr);
  const StepMemory memory = stepMemory(model->config, dtype, at::kCPU);
  const Metrics first = trainer.forwardBackward(batch, {});
  const int64_t before = hostMemoryStats().usedBytes;
  resetHostMemoryPeak();
  trainer.forwardBackward(batch, {});
  const auto measured = static_cast<double>(hostMemoryStats().peakBytes - before);
  const auto tokens = static_cast<int64_t>(first.at("toolr0/train_tokens"));
  const auto scored = static_cast<int64_t>(batch.completionTokens.size());
  const int64_t head = memory.headBytes * std::min(scored, chunkRows), working = memory.workingBytes * tokens;
  const int64_t inputs = 7 * memory.inputBytes * tokens, tape = memory.tapeBytes * tokens;
  const auto planned = static_cast<double>(
      inputs + (checkpointing ? std::max(head, tape + working) : 6 * tape + std::max(head, working)));
  std::printf("  %s%s: planned %.1f MB, measured %.1f MB\n", c10::toString(dtype),
              checkpointing ? ", checkpointed" : "", planned / 1e6, measured / 1e6);
  CHECK(std::abs(measured / planned - 1) < 0.1);
}

void countsOperations() {
  const auto model =
      check::tinyModel({.vocab = 50, .hidden = 32, .layers = 2, .heads = 4, .intermediate = 48});
  PackedBatch batch;
  batch.segments = {{0, 5, -1}, {5, 3, 0}, {8, 2, 0}};
  const double perLayer = 32 * (4 + 2 * 2) * 8 + 32 * 32 + 3 * 32 * 48;
  const double pairs = 15 + (15 + 6) + (10 + 3);
  CHECK_NEAR(trainingFlops(model->config, batch, 7),
             2 * (6 * perLayer * 10 + 12 * 32 * pairs) + 6 * 32 * 50 * 7, 1e-6);
}

void measuresTheMismatch() {
  SamplingMismatch mismatch;
  at::Tensor logps = at::zeros({200}), sampling = at::zeros({200});
  sampling[3] = 0.5, sampling[4] = -0.3, sampling[5] = 0.05, sampling[6] = NAN;
  mismatch.add(logps.narrow(0, 0, 100), sampling.narrow(0, 0, 100), {});
  mismatch.add(logps.narrow(0, 100, 100), sampling.narrow(0, 100, 100), {});
  Metrics metrics;
  mismatch.writeTo(metrics);
  CHECK_NEAR(metrics.at("toolr0/logp_mismatch_mean"), 0.85 / 199, 1e-7);
  CHECK_NEAR(metrics.at("toolr0/logp_mismatch_p99"), 0.3, 1e-7);  // the 198th of 199
  CHECK_NEAR(metrics.at("toolr0/logp_mismatch_share_outside_0.9_1.1"), 2.0 / 199, 1e-9);
  CHECK_NEAR(metrics.at("sampling/sampling_logp_difference/max"), 0.5, 1e-7);
}

}  // namespace

int main() {
  const c10::NoGradGuard noGrad;
  installHostMemory();
  keepsAsManyLayersAsFit();
  budgetsDependOnTheDeviceAlone();
  keepingLessChangesNothing();
  countsOperations();
  measuresTheMismatch();
  const at::Tensor probe = at::empty({1 << 20});
  if (hostMemoryStats().usedBytes == 0) {
    std::puts("  bytes not measured: the allocator that counts them is not installed");
    return check::report();
  }
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const bool checkpointing : {false, true}) theBytesArePlanned(dtype, checkpointing, 2048);
  theBytesArePlanned(at::kFloat, false, 128);
  return check::report();
}
