// generate() on the CUDA device: the CPU's completions, the recorded and look-ahead step against the plain
// one, calls that share a workspace. Without a device the same code runs on the CPU alone and the test counts
// as skipped.
#include <ATen/Parallel.h>

#include <cstdio>
#include <limits>

#include "check.h"
#include "model/model.h"
#include "rollout/engine.h"
#include "rollout_fixture.h"
#include "runtime/device.h"
#include "runtime/error.h"

namespace {
using namespace toolr0;

constexpr EngineOptions kPlain{0, false, false}, kFused{0, true, false}, kAhead{1, true, false},
    kKept{1, true, true};

std::shared_ptr<Model> movedTo(const Model& model, at::Device device) {
  auto moved = std::make_shared<Model>(model);
  const bool tied = model.weights.lmHead.is_same(model.weights.embedding);
  moved->device = device;
  moved->weights.forEach(
      [&](const std::string&, at::Tensor& weight) { weight = weight.to(device, false, /*copy=*/true); });
  if (tied) moved->weights.lmHead = moved->weights.embedding;
  moved->ropeCos = moved->ropeSin = at::Tensor();
  return moved;
}

RolloutResult run(Model& model, const RolloutRequest& request, const EngineOptions& options) {
  const CancelToken cancel;
  return runEngine(model, request, {}, cancel, options);
}

RolloutRequest request(const Model& model) {
  RolloutRequest r;
  r.prompts = check::randomPrompts({1, 7, 16, 17, 70, 33, 100}, model.config.vocabSize);
  r.samplesPerPrompt = 5;
  r.maxNewTokens = 60;
  for (int64_t id = 3; id < model.config.vocabSize; id += 40) r.stopTokenIds.push_back(id);
  r.seed = 12;
  return r;
}

// Rows whose tokens agree, and over those the largest difference of log-probabilities.
void compare(const char* what, const RolloutResult& a, const RolloutResult& b, double leastRows,
             double tolerance) {
  const auto rows = static_cast<int64_t>(a.finishReasons.size());
  int64_t same = 0;
  double worst = 0;
  for (int64_t row = 0; row < rows; ++row) {
    if (check::rowTokens(a, row) != check::rowTokens(b, row)) continue;
    ++same;
    for (int64_t i = 0; i < a.offsets[row + 1] - a.offsets[row]; ++i)
      worst =
          std::max(worst, std::abs(double(a.logprobs[a.offsets[row] + i]) - b.logprobs[b.offsets[row] + i]));
  }
  std::printf("  %s: %lld of %lld completions equal, largest log-probability difference %.2g\n", what,
              static_cast<long long>(same), static_cast<long long>(rows), worst);
  CHECK(same >= leastRows * rows);
  CHECK(worst <= tolerance);
}

// fp32: the same tokens. bf16 rounds differently in every kernel: most greedy completions differ somewhere
// after tens of tokens, so there only the fused step is held to the plain step's log-probabilities.
void checkAgainstCpu(at::Device device, at::ScalarType dtype) {
  const bool exact = dtype == at::kFloat;
  if (device.is_cpu()) at::set_num_threads(1);
  const auto cpu = check::randomModel({200, 256, 384, 3, 4, 2, 256}, dtype);  // head dimension 64
  const auto model = movedTo(*cpu, device);
  RolloutRequest r = request(*cpu);
  if (device.is_cpu()) r.samplesPerPrompt = 2, r.maxNewTokens = 20;
  for (const double temperature : {0.0, 1.0}) {
    r.sampling.temperature = temperature;
    const RolloutResult host = run(*cpu, r, kPlain), plain = run(*model, r, kPlain);
    std::printf("%s, temperature %.0f\n", at::toString(dtype), temperature);
    compare("device against CPU", plain, host, exact ? 0.97 : 0.1, exact ? 1e-3 : 0.3);
    compare("fused against plain", run(*model, r, kFused), plain, exact ? 0.97 : 0.1, exact ? 1e-3 : 0.3);
    compare("look-ahead against plain", run(*model, r, kAhead), plain, exact ? 0.97 : 0.1,
            exact ? 1e-3 : 0.3);
    for (int call = 0; call < 3; ++call)
      compare("shared workspace", run(*model, r, kKept), plain, exact ? 0.97 : 0.1, exact ? 1e-3 : 0.3);
    RolloutRequest tight = r;
    tight.maxBatch = 6;
    tight.maxKvBytes = 24 * KvCache::bytesPerPage(*model);
    compare("little memory", run(*model, tight, kAhead), plain, exact ? 0.97 : 0.1, exact ? 1e-3 : 0.3);
  }
  CHECK(workspaceOf(*model).step->captured() > 0);
  // Weights written in place: recorded steps must see them.
  model->weights.finalNorm.mul_(0.5);
  cpu->weights.finalNorm.mul_(0.5);
  compare("after an update", run(*model, r, kKept), run(*cpu, r, kPlain), exact ? 0.97 : 0.1,
          exact ? 1e-3 : 0.3);
  model->weights.finalNorm.fill_(std::numeric_limits<float>::quiet_NaN());
  CHECK_ERROR(run(*model, r, kKept), kNumericError, "NaN");
  releaseWorkspace(*model);
}

}  // namespace

int main() {
  const at::Device device = parseDevice("auto");
  checkAgainstCpu(device, at::kFloat);
  checkAgainstCpu(device, at::kBFloat16);
  const int status = check::report();
  if (device.is_cuda() || status != 0) return status;
  std::printf("skipped: no CUDA device; the CPU was compared with itself\n");
  return 77;
}
