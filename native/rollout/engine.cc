#include "rollout/engine.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "model/decoder.h"
#include "rollout/memory_budget.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The pages of the request's pool: no more than it can use, no less than one row at full length needs.
int64_t poolPages(const Model& model, const RolloutRequest& request) {
  PagePool none(0);
  const int64_t useful = Scheduler(request, none).pagesNeededByAll();
  const int64_t pageBytes = KvCache::bytesPerPage(model);
  const int64_t budget = request.maxKvBytes > 0 ? request.maxKvBytes : freeBytesForKvCache(model.device);
  const int64_t pages = std::min(useful, budget / pageBytes), least = Scheduler::pagesNeededByOne(request);
  if (pages >= least) return pages;
  const std::string needed = "the keys and values of the longest prompt and maxNewTokens need " +
                             std::to_string(least * pageBytes) + " bytes; ";
  if (request.maxKvBytes > 0)
    throw Error(kConfigError, needed + "maxKvBytes is " + std::to_string(request.maxKvBytes) +
                                  ": raise it, or lower maxNewTokens");
  throw Error(kOutOfMemoryError, needed + std::to_string(budget) + " bytes are free for them on " +
                                     model.device.str() +
                                     ": lower maxNewTokens, shorten the prompts, or set maxKvBytes by hand");
}

}  // namespace

Engine::Engine(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
               const CancelToken& cancel)
    : model_(model),
      request_(request),
      callbacks_(callbacks),
      cancel_(cancel),
      stopStrings_(request.stopStrings),
      pool_(poolPages(model, request)),
      scheduler_(request, pool_),
      cache_(model, pool_.free()),
      indices_(scheduler_, request.maxBatch, model.device),
      prefill_(model, scheduler_, cache_, cancel),
      decodeStep_(makeDecodeStep(model, cache_, request)) {
  int64_t longest = 0;
  for (const std::vector<int32_t>& prompt : request.prompts) {
    result_.promptTokens += static_cast<int64_t>(prompt.size());
    longest = std::max(longest, static_cast<int64_t>(prompt.size()));
  }
  ensureRopeTables(model, longest + request.maxNewTokens);
}

void Engine::run() {
  const Clock::time_point start = Clock::now();
  try {
    while (!scheduler_.done()) step();
  } catch (...) {
    result_.decodeSeconds = secondsSince(start) - result_.prefillSeconds;
    throw;
  }
  result_.decodeSeconds = secondsSince(start) - result_.prefillSeconds;
}

void Engine::step() {
  cancel_.throwIfRequested();
  admit();
  cancel_.throwIfRequested();
  if (scheduler_.running().empty()) return;  // every first token was a last one
  scheduler_.grow();
  decode();
}

void Engine::admit() {
  const Clock::time_point start = Clock::now();
  int64_t tokens = 0;
  for (PrefillPack pack; scheduler_.admit(pack);) {
    for (const PrefillPack::PromptRun& run : pack.prompts)
      if (run.store) indices_.setPrompt(run.prompt);
    tokens += prefill_.run(pack);
  }
  // Only for an honest prefillSeconds.
  if (tokens > 0 && !model_.device.is_cpu())
    c10::impl::VirtualGuardImpl(model_.device.type()).getStream(model_.device).synchronize();
  result_.prefillTokens += tokens;
  result_.prefillSeconds += secondsSince(start);
  firstTokens();
}

void Engine::firstTokens() {
  std::vector<int64_t> rows, prompts;
  for (const int64_t row : scheduler_.running()) {
    const Sequence& sequence = scheduler_.sequences()[row];
    if (!sequence.tokens.empty()) continue;
    rows.push_back(row);
    prompts.push_back(sequence.prompt);
  }
  if (rows.empty()) return;
  const at::Tensor streams = longTensor(rows, model_.device);
  at::Tensor tokens, logprobs;
  sample(prefill_.logits(prompts), request_.sampling, request_.seed, streams, at::zeros_like(streams), tokens,
         logprobs);
  accept(rows, tokens, logprobs);
}

void Engine::decode() {
  ++result_.decodeSteps;
  indices_.update();
  at::Tensor tokens, logprobs;
  decodeStep_->run(indices_, tokens, logprobs);
  const std::vector<int64_t> rows = scheduler_.running();  // a copy: finished rows leave
  accept(rows, tokens, logprobs);
}

void Engine::accept(const std::vector<int64_t>& rows, const at::Tensor& tokens, const at::Tensor& logprobs) {
  const at::Tensor hostTokens = tokens.to(at::kCPU), hostLogprobs = logprobs.to(at::kCPU);
  const int64_t* token = hostTokens.const_data_ptr<int64_t>();
  const float* logprob = hostLogprobs.const_data_ptr<float>();
  for (size_t i = 0; i < rows.size(); ++i) accept(rows[i], static_cast<int32_t>(token[i]), logprob[i]);
}

bool Engine::stops(Sequence& sequence, int32_t token) const {
  if (request_.ignoreEos) return false;
  const std::vector<int64_t>& ids = request_.stopTokenIds;
  if (std::find(ids.begin(), ids.end(), token) != ids.end()) return true;
  // A vocabulary padded beyond the tokenizer's has ids without bytes.
  return !stopStrings_.empty() && token < static_cast<int64_t>(request_.tokenBytes.size()) &&
         stopStrings_.feed(sequence.stopState, request_.tokenBytes[token]);
}

void Engine::accept(int64_t row, int32_t token, float logprob) {
  Sequence& sequence = scheduler_.sequences()[row];
  sequence.tokens.push_back(token);
  sequence.logprobs.push_back(logprob);
  ++result_.generatedTokens;
  if (callbacks_.onToken) callbacks_.onToken(row, token, logprob);
  const auto count = static_cast<int64_t>(sequence.tokens.size());
  const bool stopped = stops(sequence, token);
  if (!stopped && count < request_.maxNewTokens) return;
  sequence.reason = stopped ? FinishReason::kStop : FinishReason::kLength;
  scheduler_.finish(row);
  if (callbacks_.onFinish) callbacks_.onFinish(row, sequence.tokens.data(), count, sequence.reason);
}

RolloutResult Engine::result() {
  RolloutResult& out = result_;
  out.offsets.push_back(0);
  out.tokens.reserve(out.generatedTokens);
  out.logprobs.reserve(out.generatedTokens);
  for (size_t row = 0; row < scheduler_.sequences().size(); ++row) {
    Sequence& sequence = scheduler_.sequences()[row];
    out.tokens.insert(out.tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
    out.logprobs.insert(out.logprobs.end(), sequence.logprobs.begin(), sequence.logprobs.end());
    out.offsets.push_back(static_cast<int32_t>(out.tokens.size()));
    out.finishReasons.push_back(sequence.reason);
  }
  out.peakKvBytes = pool_.peakUsed() * KvCache::bytesPerPage(model_);
  return std::move(result_);
}

}  // namespace toolr0
