// Prints tokens per second of the embedded model's shape; asserts only that the work was done.
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>

#include "check.h"  // last: it replaces c10's CHECK
#include "rollout_fixture.h"

namespace {
using namespace toolr0;

void measure(Model& model, const char* what, int64_t prompts, int64_t n, int64_t maxBatch,
             const SamplerOptions& sampling, int repeats) {
  RolloutRequest request;
  request.prompts = check::randomPrompts(std::vector<int64_t>(prompts, 70), model.config.vocabSize);
  request.samplesPerPrompt = n;
  request.maxNewTokens = 128;
  request.maxBatch = maxBatch;
  request.ignoreEos = true;
  request.sampling = sampling;
  std::vector<double> seconds;
  RolloutResult result;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    result = check::generate(model, request);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  CHECK(result.generatedTokens == prompts * n * 128);
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  std::printf("%-34s %8.0f tok/s (best %8.0f), %.2f ms/step, prefill %.1f ms, KV %.1f MiB\n", what,
              static_cast<double>(result.generatedTokens) / median,
              static_cast<double>(result.generatedTokens) / seconds.front(),
              1e3 * result.decodeSeconds / static_cast<double>(result.decodeSteps),
              1e3 * result.prefillSeconds, static_cast<double>(result.peakKvBytes) / (1 << 20));
}
}  // namespace

int main(int argc, char** argv) {
  const int repeats = argc > 1 ? std::atoi(argv[1]) : 3;
  const auto model = check::randomModel({1360, 128, 384, 4, 4, 2, 512});
  std::printf("%lld parameters, %d threads\n", static_cast<long long>(model->parameterCount()),
              at::get_num_threads());
  measure(*model, "8 prompts x 8, fp32", 8, 8, 256, {}, repeats);
  measure(*model, "8 prompts x 8, top-p 0.95", 8, 8, 256, {1.0, 0, 0.95, 0.0}, repeats);
  measure(*model, "32 prompts x 8, batch 256", 32, 8, 256, {}, repeats);
  measure(*model, "1 prompt x 1, greedy", 1, 1, 256, {0.0}, repeats);
  return check::report();
}
