// generate() on random models: agreement with the packed forward pass, independence of batch size, memory and
// sharing, stop rules, abort and errors.
#include <algorithm>
#include <limits>
#include <thread>

#include "check.h"  // last: it replaces c10's CHECK
#include "kernels/packed_attention.h"
#include "model/decoder.h"
#include "model_batches.h"
#include "rollout_fixture.h"
#include "runtime/error.h"

namespace {
using namespace toolr0;
using check::rowTokens;

// log p(completion token | what precedes it) of every row, from one packed pass over whole sequences.
std::vector<double> packedLogprobs(Model& model, const RolloutRequest& request, const RolloutResult& result) {
  std::vector<std::vector<int64_t>> prompts, completions;
  std::vector<int64_t> targets, rows;
  for (size_t row = 0; row + 1 < result.offsets.size(); ++row) {
    const auto& prompt = request.prompts[row / static_cast<size_t>(request.samplesPerPrompt)];
    const std::vector<int32_t> tokens = rowTokens(result, static_cast<int64_t>(row));
    prompts.emplace_back(prompt.begin(), prompt.end());
    completions.emplace_back(tokens.begin(), tokens.end());
    targets.insert(targets.end(), tokens.begin(), tokens.end());
  }
  const PackedBatch batch = check::packUnshared(prompts, completions, rows);
  const double scale = 1.0 / std::sqrt(static_cast<double>(model.config.headDim));
  const at::Tensor hidden =
      decoderForward(model, batch.tokens, batch.positions,
                     [&](int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                       at::Tensor lse;
                       return packedAttention(q, k, v, batch.segments, scale, lse);
                     });
  const at::Tensor logits = headLogits(model, hidden.index_select(0, at::tensor(rows, at::kLong)));
  const double temperature = request.sampling.temperature == 0 ? 1.0 : request.sampling.temperature;
  const at::Tensor logprobs = at::log_softmax(logits.to(at::kDouble) / temperature, 1);
  const at::Tensor picked =
      logprobs.gather(1, at::tensor(targets, at::kLong).unsqueeze(1)).squeeze(1).contiguous();
  return {picked.const_data_ptr<double>(), picked.const_data_ptr<double>() + picked.numel()};
}

double worstDifference(const std::vector<float>& a, const std::vector<double>& b) {
  double worst = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

bool sameLogprobs(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  return worstDifference(a, {b.begin(), b.end()}) <= tolerance;
}

RolloutRequest mixedRequest(const Model& model) {
  RolloutRequest request;
  request.prompts = check::randomPrompts({1, 7, 16, 17, 70, 33, 7, 128}, model.config.vocabSize);
  request.prompts.push_back(request.prompts[3]);  // a repeated prompt
  request.samplesPerPrompt = 3;
  request.maxNewTokens = 50;
  for (int64_t id = 3; id < model.config.vocabSize; id += 25)
    request.stopTokenIds.push_back(id);  // rows end at different lengths
  request.seed = 12;
  return request;
}

void checkAgainstPackedForward(Model& model, double tolerance) {
  for (const double temperature : {1.0, 0.7, 0.0}) {
    RolloutRequest request = mixedRequest(model);
    request.sampling.temperature = temperature;
    const RolloutResult result = check::generate(model, request);
    CHECK(result.finishReasons.size() == 27 && result.offsets.size() == 28);
    CHECK(result.generatedTokens == static_cast<int64_t>(result.tokens.size()));
    CHECK(result.prefillTokens == 1 + 7 + 16 + 17 + 70 + 33 + 7 + 128);  // every distinct prompt once
    const double worst = worstDifference(result.logprobs, packedLogprobs(model, request, result));
    std::printf("  T %.1f: %lld tokens, largest |sampled - packed| log-probability difference %.2g\n",
                temperature, static_cast<long long>(result.generatedTokens), worst);
    CHECK(worst < tolerance);
    bool stopsRight = true;
    int64_t stopped = 0;
    for (int64_t row = 0; row < 27; ++row) {
      const std::vector<int32_t> tokens = rowTokens(result, row);
      const auto isStop = [&](int32_t t) {
        return std::find(request.stopTokenIds.begin(), request.stopTokenIds.end(), t) !=
               request.stopTokenIds.end();
      };
      const bool stop = result.finishReasons[row] == FinishReason::kStop;
      stopped += stop;
      stopsRight &= std::none_of(tokens.begin(), tokens.end() - 1, isStop) && isStop(tokens.back()) == stop &&
                    (stop || tokens.size() == 50);
    }
    CHECK(stopsRight);
    if (temperature > 0) CHECK(stopped > 0 && stopped < 27);
  }
}

void checkIndependence(Model& model) {
  for (const double temperature : {0.0, 1.0}) {
    RolloutRequest request = mixedRequest(model);
    request.sampling.temperature = temperature;
    const RolloutResult whole = check::generate(model, request);
    const auto agrees = [&](const char* what, const RolloutResult& other) {
      const bool same = other.tokens == whole.tokens && other.offsets == whole.offsets &&
                        other.finishReasons == whole.finishReasons &&
                        sameLogprobs(other.logprobs, whole.logprobs, 1e-4);
      if (!same) std::printf("  differs: %s at T %.1f\n", what, temperature);
      return same;
    };
    CHECK(agrees("the same again", check::generate(model, request)));
    for (const int64_t batch : {1, 4, 7}) {
      RolloutRequest small = request;
      small.maxBatch = batch;
      const RolloutResult result = check::generate(model, small);
      CHECK(agrees("small batch", result));
      CHECK(result.prefillTokens == whole.prefillTokens);
    }
    // Page bytes: 2 * layers * 16 tokens * kv heads * head dimension * 4. The longest prompt with its
    // completion needs 12 pages.
    const int64_t pageBytes = 2 * 2 * 16 * 2 * 16 * 4;
    for (const int64_t pages : {12, 15, 30}) {
      RolloutRequest tight = request;
      tight.maxKvBytes = pages * pageBytes;
      const RolloutResult result = check::generate(model, tight);
      CHECK(agrees("small memory", result));
      CHECK(result.peakKvBytes <= tight.maxKvBytes && result.peakKvBytes < whole.peakKvBytes);
      CHECK(result.decodeSteps > whole.decodeSteps);
    }
    RolloutRequest copies = request;  // n samples = n copies of the prompt: rows and streams are the same
    copies.prompts.clear();
    copies.samplesPerPrompt = 1;
    for (const auto& prompt : request.prompts) copies.prompts.insert(copies.prompts.end(), 3, prompt);
    CHECK(agrees("copies", check::generate(model, copies)));
    RolloutRequest reseeded = request;
    reseeded.seed = 13;
    CHECK((check::generate(model, reseeded).tokens == whole.tokens) == (temperature == 0));
  }
}

void checkStopStrings(Model& model) {
  RolloutRequest request;
  request.prompts = check::randomPrompts({5, 9}, model.config.vocabSize);
  request.samplesPerPrompt = 4;
  request.maxNewTokens = 60;
  // Token i decodes to two letters; "stop strings" therefore begin and end inside tokens.
  for (int64_t i = 0; i < model.config.vocabSize; ++i)
    request.tokenBytes.push_back({static_cast<char>('a' + i % 5), static_cast<char>('a' + i / 5 % 4)});
  const RolloutResult free = check::generate(model, request);
  request.stopStrings = {"abc", "ddaa", "cbbcb"};
  const RolloutResult stopped = check::generate(model, request);
  int64_t shorter = 0;
  for (int64_t row = 0; row < 8; ++row) {
    std::string text;
    std::vector<int32_t> expected;
    bool found = false;
    for (const int32_t token : rowTokens(free, row)) {
      expected.push_back(token);
      text += request.tokenBytes[token];
      for (const std::string& stop : request.stopStrings)
        found = found || text.find(stop) != std::string::npos;
      if (found) break;
    }
    shorter += found;
    CHECK(rowTokens(stopped, row) == expected);
    CHECK((stopped.finishReasons[row] == FinishReason::kStop) == found);
  }
  CHECK(shorter > 0);
  request.ignoreEos = true;
  request.stopTokenIds = {free.tokens[0]};
  const RolloutResult ignored = check::generate(model, request);
  CHECK(ignored.tokens == free.tokens);
  CHECK(ignored.finishReasons[0] == FinishReason::kLength);
  // A vocabulary larger than the tokenizer's: ids without bytes never match.
  request.ignoreEos = false;
  request.stopTokenIds.clear();
  request.tokenBytes.resize(1);
  CHECK(check::generate(model, request).tokens == free.tokens);
}

void checkCallbacksAndAbort(Model& model) {
  RolloutRequest request = mixedRequest(model);
  std::vector<std::vector<int32_t>> streamed(27), finished(27);
  std::vector<FinishReason> reasons(27, FinishReason::kAborted);
  RolloutCallbacks callbacks;
  callbacks.onToken = [&](int64_t row, int32_t token, float) { streamed[row].push_back(token); };
  callbacks.onFinish = [&](int64_t row, const int32_t* tokens, int64_t count, FinishReason reason) {
    finished[row].assign(tokens, tokens + count);
    reasons[row] = reason;
  };
  const RolloutResult whole = check::generate(model, request, callbacks);
  for (int64_t row = 0; row < 27; ++row)
    CHECK(streamed[row] == rowTokens(whole, row) && finished[row] == streamed[row] &&
          reasons[row] == whole.finishReasons[row]);

  for (const bool partial : {false, true}) {
    CancelToken cancel;
    int64_t seen = 0;
    RolloutCallbacks aborting;
    aborting.onToken = [&](int64_t, int32_t, float) { cancel.requested = ++seen >= 200; };
    request.returnPartialOnAbort = partial;
    request.maxBatch = 8;
    if (!partial) {
      CHECK_ERROR(toolr0::generate(model, request, aborting, cancel), kAbortedError, "aborted");
      continue;
    }
    const RolloutResult result = toolr0::generate(model, request, aborting, cancel);
    CHECK(result.generatedTokens == seen && seen < 200 + 8);  // the step in progress is completed
    CHECK(result.offsets.size() == 28 && result.finishReasons.back() == FinishReason::kAborted);
    bool prefixes = true, someDone = false;
    for (int64_t row = 0; row < 27; ++row) {
      const std::vector<int32_t> part = rowTokens(result, row), all = rowTokens(whole, row);
      prefixes &= part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
      if (result.finishReasons[row] != FinishReason::kAborted) someDone = true, prefixes &= part == all;
    }
    CHECK(prefixes && someDone);
  }
  CancelToken cancelled;
  cancelled.requested = true;
  CHECK_ERROR(toolr0::generate(model, mixedRequest(model), {}, cancelled), kAbortedError, "aborted");
  // An exception of the caller's own passes through and leaves nothing behind.
  RolloutCallbacks failing;
  failing.onFinish = [](int64_t, const int32_t*, int64_t, FinishReason) {
    throw Error(kIoError, "the caller's own");
  };
  CHECK_ERROR(check::generate(model, mixedRequest(model), failing), kIoError, "the caller's own");
  CHECK(check::generate(model, mixedRequest(model)).tokens == whole.tokens);
}

void checkErrors(Model& model) {
  const auto with = [&](const auto& change) {
    RolloutRequest request;
    request.prompts = check::randomPrompts({4, 10}, model.config.vocabSize);
    request.maxNewTokens = 20;
    change(request);
    check::generate(model, request);
  };
  using R = RolloutRequest&;
  CHECK_ERROR(with([](R r) { r.prompts.clear(); }), kConfigError, "no prompts");
  CHECK_ERROR(with([](R r) { r.prompts[1].clear(); }), kConfigError, "prompt 1 is empty");
  CHECK_ERROR(with([](R r) { r.prompts[1][3] = 200; }), kConfigError, "prompt 1 holds token id 200");
  CHECK_ERROR(with([](R r) { r.prompts[0][0] = -1; }), kConfigError, "prompt 0 holds token id -1");
  CHECK_ERROR(with([](R r) { r.samplesPerPrompt = 0; }), kConfigError, "n (samples per prompt) is 0");
  CHECK_ERROR(with([](R r) { r.maxNewTokens = 0; }), kConfigError, "maxNewTokens is 0");
  CHECK_ERROR(with([](R r) { r.maxNewTokens = 247; }), kConfigError,
              "prompt 1 has 10 tokens; with maxNewTokens 247");
  CHECK_ERROR(with([](R r) { r.maxNewTokens = std::numeric_limits<int64_t>::max(); }), kConfigError,
              "context of 256");
  CHECK_ERROR(with([](R r) { r.sampling.temperature = -1; }), kConfigError, "temperature");
  CHECK_ERROR(with([](R r) { r.sampling.temperature = std::nan(""); }), kConfigError, "temperature");
  CHECK_ERROR(with([](R r) { r.sampling.topP = 0; }), kConfigError, "topP");
  CHECK_ERROR(with([](R r) { r.sampling.topK = -1; }), kConfigError, "topK");
  CHECK_ERROR(with([](R r) { r.sampling.minP = 2; }), kConfigError, "minP");
  CHECK_ERROR(with([](R r) { r.maxBatch = 0; }), kConfigError, "maxBatch");
  CHECK_ERROR(with([](R r) { r.maxKvBytes = -1; }), kConfigError, "maxKvBytes");
  CHECK_ERROR(with([](R r) { r.maxKvBytes = 1000; }), kConfigError, "maxKvBytes is 1000: raise it");
  CHECK_ERROR(with([](R r) { r.stopStrings = {"x"}; }), kConfigError, "tokenBytes");
  CHECK_ERROR(with([](R r) { r.stopStrings = {""}, r.tokenBytes = {"a"}; }), kConfigError, "empty");
  CHECK_ERROR(with([](R r) { r.samplesPerPrompt = int64_t{1} << 40; }), kConfigError, "split the request");
  with([](R r) { r.maxNewTokens = 246; });  // exactly the context
  with([](R r) { r.maxNewTokens = 1; });
}

void checkDamagedWeights() {
  const auto model = check::randomModel({});
  model->weights.finalNorm.fill_(std::numeric_limits<float>::quiet_NaN());
  RolloutRequest request;
  request.prompts = check::randomPrompts({4}, 200);
  request.maxNewTokens = 8;
  CHECK_ERROR(check::generate(*model, request), kNumericError, "NaN");
}

}  // namespace

int main() {
  const auto model = check::randomModel({});
  std::printf("fp32\n");
  checkAgainstPackedForward(*model, 1e-4);
  checkIndependence(*model);
  checkStopStrings(*model);
  checkCallbacksAndAbort(*model);
  checkErrors(*model);
  checkDamagedWeights();
  std::printf("bf16\n");
  checkAgainstPackedForward(*check::randomModel({}, at::kBFloat16), 0.05);
  return check::report();
}
