// The decode step made for CUDA (static buffers, padded buckets, recorded steps, sampling and the move to the
// next step on the device) on the CPU with the reference kernels: the same completions as the plain step, and
// with steps queued ahead the same as without.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>

#include "check.h"
#include "rollout/engine.h"
#include "rollout_fixture.h"
#include "runtime/error.h"

namespace {
using namespace toolr0;
using check::rowTokens;

RolloutResult run(Model& model, const RolloutRequest& request, const EngineOptions& options,
                  const RolloutCallbacks& callbacks = {}) {
  const CancelToken cancel;
  return runEngine(model, request, callbacks, cancel, options);
}

constexpr EngineOptions kPlain{0, false, false}, kFused{0, true, false}, kAhead{1, true, false},
    kFarAhead{3, true, false}, kKept{1, true, true};

bool same(const RolloutResult& a, const RolloutResult& b, double tolerance) {
  double worst = a.logprobs.size() == b.logprobs.size() ? 0 : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.logprobs.size() && i < b.logprobs.size(); ++i)
    worst = std::max(worst, std::abs(double(a.logprobs[i]) - b.logprobs[i]));
  return a.tokens == b.tokens && a.offsets == b.offsets && a.finishReasons == b.finishReasons &&
         a.generatedTokens == b.generatedTokens && worst <= tolerance;
}

RolloutRequest mixedRequest(const Model& model) {
  RolloutRequest request;
  request.prompts = check::randomPrompts({1, 7, 16, 17, 40, 33}, model.config.vocabSize);
  request.prompts.push_back(request.prompts[3]);
  request.samplesPerPrompt = 3;
  request.maxNewTokens = 40;
  for (int64_t id = 3; id < model.config.vocabSize; id += 25) request.stopTokenIds.push_back(id);
  request.seed = 12;
  return request;
}

// Every variation must give the same completions whatever the engine's options.
void checkSameCompletions(Model& model) {
  const int64_t pageBytes = KvCache::bytesPerPage(model);
  const std::vector<std::pair<const char*, std::function<void(RolloutRequest&)>>> variations = {
      {"stop ids", [](RolloutRequest&) {}},
      {"greedy", [](RolloutRequest& r) { r.sampling.temperature = 0; }},
      {"filters", [](RolloutRequest& r) { r.sampling = {0.8, 50, 0.9, 0.01}; }},
      {"length only", [](RolloutRequest& r) { r.ignoreEos = true; }},
      {"stop strings",
       [&](RolloutRequest& r) {
         for (int64_t i = 0; i < model.config.vocabSize; ++i)
           r.tokenBytes.push_back({static_cast<char>('a' + i % 5), static_cast<char>('a' + i / 5 % 4)});
         r.stopTokenIds.clear();
         r.stopStrings = {"abc", "ddaa", "cbbcb"};
       }},
      {"one row at a time", [](RolloutRequest& r) { r.maxBatch = 1; }},
      {"batches of five", [](RolloutRequest& r) { r.maxBatch = 5; }},
      {"preemption", [&](RolloutRequest& r) { r.maxKvBytes = 9 * pageBytes; }},
      {"little memory", [&](RolloutRequest& r) { r.maxKvBytes = 20 * pageBytes; }},
      {"one token", [](RolloutRequest& r) { r.maxNewTokens = 1; }},
      {"two tokens", [](RolloutRequest& r) { r.maxNewTokens = 2; }},
      {"a page and one", [](RolloutRequest& r) { r.maxNewTokens = 17, r.ignoreEos = true; }},
  };
  for (const auto& [name, change] : variations) {
    RolloutRequest request = mixedRequest(model);
    change(request);
    const RolloutResult plain = run(model, request, kPlain), fused = run(model, request, kFused);
    const bool fusedSame = same(fused, plain, 1e-4),
               aheadSame = same(run(model, request, kAhead), plain, 1e-4),
               farSame = same(run(model, request, kFarAhead), plain, 1e-4);
    if (!fusedSame || !aheadSame || !farSame) std::printf("  differs: %s\n", name);
    CHECK(fusedSame);
    CHECK(aheadSame);
    CHECK(farSame);
  }
}

void checkCallbacksAndAbort(Model& model) {
  RolloutRequest request = mixedRequest(model);
  const int64_t rows = 21;
  std::vector<std::vector<int32_t>> streamed(rows), finished(rows);
  RolloutCallbacks callbacks;
  callbacks.onToken = [&](int64_t row, int32_t token, float) { streamed[row].push_back(token); };
  callbacks.onFinish = [&](int64_t row, const int32_t* tokens, int64_t count, FinishReason) {
    CHECK(finished[row].empty());  // once per row
    finished[row].assign(tokens, tokens + count);
  };
  const RolloutResult whole = run(model, request, kAhead, callbacks);
  for (int64_t row = 0; row < rows; ++row)
    CHECK(streamed[row] == rowTokens(whole, row) && finished[row] == streamed[row]);

  request.returnPartialOnAbort = true;
  RolloutResult partial[2];
  for (const bool ahead : {false, true}) {
    CancelToken cancel;
    int64_t seen = 0;
    RolloutCallbacks aborting;
    aborting.onToken = [&](int64_t, int32_t, float) { cancel.requested = ++seen >= 150; };
    partial[ahead] = runEngine(model, request, aborting, cancel, ahead ? kAhead : kFused);
    CHECK(partial[ahead].generatedTokens == seen && seen < 150 + rows);  // what was queued ahead is dropped
    CHECK(partial[ahead].finishReasons.back() == FinishReason::kAborted);
  }
  CHECK(same(partial[1], partial[0], 1e-4));
  request.returnPartialOnAbort = false;
  CancelToken cancelled;
  cancelled.requested = true;
  CHECK_ERROR(runEngine(model, request, {}, cancelled, kAhead), kAbortedError, "aborted");
  RolloutCallbacks failing;
  failing.onFinish = [](int64_t, const int32_t*, int64_t, FinishReason) {
    throw Error(kIoError, "the caller's own");
  };
  CHECK_ERROR(run(model, request, kKept, failing), kIoError, "the caller's own");
  CHECK(same(run(model, request, kKept), whole, 1e-4));
}

// Calls on one model share memory and recorded steps; what is recorded is dropped when it no longer fits.
void checkWorkspace(Model& model) {
  releaseWorkspace(model);
  RolloutRequest request = mixedRequest(model);
  const auto agrees = [&] { return same(run(model, request, kKept), run(model, request, kPlain), 1e-4); };
  CHECK(agrees());
  const auto captured = [&] { return workspaceOf(model).step->captured(); };
  const int64_t first = captured();
  const void* cache = workspaceOf(model).cache.get();
  CHECK(first > 0);
  CHECK(agrees());  // may record buckets that were met once only
  CHECK(agrees());
  const int64_t warm = captured();
  for (const uint64_t seed : {3, 4}) {
    request.seed = seed;
    request.sampling.temperature = 0.5 + 0.1 * static_cast<double>(seed);
    CHECK(agrees());
  }
  CHECK(captured() <= warm + 8);  // other completions, other batch sizes on the way; nothing is recorded anew
  request.seed = 12;
  request.sampling.temperature = 1;
  const int64_t before = captured();
  CHECK(agrees());
  CHECK(captured() == before);
  CHECK(workspaceOf(model).cache.get() == cache);
  request.sampling.topP = 0.8;  // another kernel
  CHECK(agrees());
  CHECK(captured() > before);
  request.sampling.topP = 1;
  // Weights at other addresses: what was recorded must not be used.
  at::Tensor& norm = model.weights.finalNorm;
  norm = norm.clone().mul_(0.7);
  CHECK(agrees());
  // More prompts, longer ones, larger batches: everything is remade.
  request.prompts = check::randomPrompts({100, 90, 80, 70, 60, 50, 40, 30, 20, 10}, model.config.vocabSize);
  request.maxNewTokens = 100;
  CHECK(agrees());
  request = mixedRequest(model);
  CHECK(agrees());
  releaseWorkspace(model);
  CHECK(!model.rolloutWorkspace);
}

void checkDamagedWeights() {
  const auto model = check::randomModel({});
  model->weights.finalNorm.fill_(std::numeric_limits<float>::quiet_NaN());
  CHECK_ERROR(run(*model, mixedRequest(*model), kAhead), kNumericError, "NaN");
}

}  // namespace

int main() {
  at::set_num_threads(1);  // thousands of tiny operations
  const auto model = check::randomModel({});
  checkSameCompletions(*model);
  checkCallbacksAndAbort(*model);
  checkWorkspace(*model);
  checkDamagedWeights();
  return check::report();
}
