// Prints tokens per second; asserts only that the work was done. Arguments: repeats, and what to measure:
// "small" (the embedded model's shape, fp32), "context" (the same at growing context), "large" (the shape of
// Qwen2.5-0.5B, bf16).
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "check.h"  // last: it replaces c10's CHECK
#include "rollout_fixture.h"

namespace {
using namespace toolr0;

struct Load {
  int64_t prompts = 8, n = 8, promptTokens = 70, newTokens = 128, maxBatch = 256;
  SamplerOptions sampling;
};

void measure(Model& model, const char* what, const Load& load, int repeats) {
  RolloutRequest request;
  request.prompts =
      check::randomPrompts(std::vector<int64_t>(load.prompts, load.promptTokens), model.config.vocabSize);
  request.samplesPerPrompt = load.n;
  request.maxNewTokens = load.newTokens;
  request.maxBatch = load.maxBatch;
  request.ignoreEos = true;
  request.sampling = load.sampling;
  std::vector<double> seconds;
  RolloutResult result;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    result = check::generate(model, request);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  CHECK(result.generatedTokens == load.prompts * load.n * load.newTokens);
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2], tokens = static_cast<double>(result.generatedTokens);
  std::printf("%-34s %8.0f tok/s (best %8.0f), %.2f ms/step, prefill %.1f ms, KV %.1f MiB\n", what,
              tokens / median, tokens / seconds.front(),
              1e3 * result.decodeSeconds / static_cast<double>(result.decodeSteps),
              1e3 * result.prefillSeconds, static_cast<double>(result.peakKvBytes) / (1 << 20));
}

void measureSmall(int repeats) {
  const auto model = check::randomModel({1360, 128, 384, 4, 4, 2, 512});
  measure(*model, "8 prompts x 8, fp32", {}, repeats);
  measure(*model, "8 prompts x 8, top-p 0.95", {.sampling = {1.0, 0, 0.95, 0.0}}, repeats);
  measure(*model, "32 prompts x 8, batch 256", {.prompts = 32}, repeats);
  measure(*model, "1 prompt x 1, greedy", {.prompts = 1, .n = 1, .sampling = {0.0}}, repeats);
}

void measureContext(int repeats) {
  const auto model = check::randomModel({1360, 128, 384, 4, 4, 2, 8192});
  for (const int64_t context : {256, 1024, 2048, 4096}) {
    const std::string tokens = std::to_string(context);
    measure(*model, ("prompt of " + tokens + ", 8 x 8").c_str(),
            {.promptTokens = context - 32, .newTokens = 64}, repeats);
    measure(*model, ("own context of " + tokens + ", 1 x 8").c_str(),
            {.prompts = 8, .n = 1, .promptTokens = context - 32, .newTokens = 64}, repeats);
  }
}

void measureLarge(int repeats) {
  const auto model = check::randomModel({151936, 896, 4864, 24, 14, 2, 4096}, at::kBFloat16, /*sharpen=*/1.0);
  measure(*model, "0.5B bf16, 8 prompts of 512 x 8", {.promptTokens = 512, .newTokens = 64}, repeats);
  measure(*model, "0.5B bf16, 32 prompts of 64 x 8", {.prompts = 32, .promptTokens = 64, .newTokens = 16},
          repeats);
  measure(*model, "0.5B bf16, 1 prompt of 64 x 1",
          {.prompts = 1, .n = 1, .promptTokens = 64, .newTokens = 32}, repeats);
}
}  // namespace

int main(int argc, char** argv) {
  const int repeats = argc > 1 ? std::atoi(argv[1]) : 3;
  const std::string what = argc > 2 ? argv[2] : "small";
  std::printf("%d threads\n", at::get_num_threads());
  if (what == "large")
    measureLarge(repeats);
  else if (what == "context")
    measureContext(repeats);
  else
    measureSmall(repeats);
  return check::report();
}
