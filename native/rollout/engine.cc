#include "rollout/engine.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "model/decoder.h"
#include "rollout/memory_budget.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Page tables are uploaded when rows get pages; in batches, so that this is rare.
constexpr int64_t kPageTokensAhead = 64;

// The pages of the request's pool: no more than it can use, no less than one row at full length needs.
int64_t poolPages(Model& model, const RolloutRequest& request, bool keepWorkspace) {
  PagePool none(0);
  const int64_t useful = Scheduler(request, none).pagesNeededByAll();
  const int64_t pageBytes = KvCache::bytesPerPage(model);
  const int64_t kept = keepWorkspace ? workspaceOf(model).pages * pageBytes : 0;  // freed if it does not do
  const int64_t budget =
      request.maxKvBytes > 0 ? request.maxKvBytes : kept + freeBytesForKvCache(model.device);
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

EngineOptions EngineOptions::forModel(const Model& model) {
  if (!model.device.is_cuda()) return {};
  const bool fused = model.dtype == at::kFloat || model.dtype == at::kBFloat16;
  return {fused ? 1 : 0, fused, fused};
}

Engine::Engine(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
               const CancelToken& cancel, const EngineOptions& options)
    : model_(model),
      request_(request),
      callbacks_(callbacks),
      cancel_(cancel),
      options_(options),
      stopStrings_(request.stopStrings),
      pool_(poolPages(model, request, options.keepWorkspace)),
      scheduler_(request, pool_),
      workspace_(options.keepWorkspace ? workspaceOf(model) : ownWorkspace_) {
  int64_t longest = 0;
  for (const std::vector<int32_t>& prompt : request.prompts) {
    result_.promptTokens += static_cast<int64_t>(prompt.size());
    longest = std::max(longest, static_cast<int64_t>(prompt.size()));
  }
  ensureRopeTables(model, longest + request.maxNewTokens);
  workspace_.fit(model, pool_.free(), DecodeIndices::shapeFor(scheduler_, request.maxBatch), options.fused);
  DecodeLayout layout;
  layout.discardSlot = workspace_.cache->discardSlot();
  if (options.fused) {
    layout.padded = layout.advances = true;
    layout.rowsPerRun = maxRowsPerRun(model.config.numAttentionHeads, model.config.numKeyValueHeads);
    workspace_.step->begin(request);
    decodeStep_ = workspace_.step.get();
  } else {
    TORCH_CHECK(options.lookAhead == 0, "looking ahead needs a step that advances its buffers");
    plainStep_ = makeDecodeStep(model, *workspace_.cache, request);
    decodeStep_ = plainStep_.get();
  }
  indices_ = std::make_unique<DecodeIndices>(scheduler_, *workspace_.buffers, layout);
  prefill_ = std::make_unique<Prefill>(model, scheduler_, *workspace_.cache, cancel);
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
  // Rows may be preempted only when all their tokens are here.
  if (!scheduler_.grow(/*mayPreempt=*/flights_.empty(), kPageTokensAhead * options_.lookAhead)) {
    acceptFlights(0);
    scheduler_.grow(/*mayPreempt=*/true);
  }
  std::vector<int64_t> rows;
  for (const int64_t row : scheduler_.running())
    if (scheduler_.sequences()[row].issued < request_.maxNewTokens) rows.push_back(row);
  if (!rows.empty()) decode(rows);
  acceptFlights(rows.empty() ? 0 : static_cast<size_t>(options_.lookAhead));
}

void Engine::admit() {
  const Clock::time_point start = Clock::now();
  const size_t before = scheduler_.running().size();
  int64_t tokens = 0;
  for (PrefillPack pack; scheduler_.admit(pack);) {
    for (const PrefillPack::PromptRun& run : pack.prompts)
      if (run.store) indices_->setPrompt(run.prompt);
    tokens += prefill_->run(pack);
  }
  if (scheduler_.running().size() == before) return;
  firstTokens();
  result_.prefillTokens += tokens;
  result_.prefillSeconds += secondsSince(start);
}

void Engine::firstTokens() {
  std::vector<int64_t> rows, prompts;
  for (const int64_t row : scheduler_.running()) {
    const Sequence& sequence = scheduler_.sequences()[row];
    if (sequence.issued > 0) continue;
    rows.push_back(row);
    prompts.push_back(sequence.prompt);
  }
  if (rows.empty()) return;
  const at::Tensor streams = longTensor(rows, model_.device);
  at::Tensor tokens, logprobs;
  sample(prefill_->logits(prompts), request_.sampling, request_.seed, streams, at::zeros_like(streams),
         tokens, logprobs);
  launched(rows, tokens, logprobs);
  acceptFlights(0);  // the next step takes these tokens from the host
}

void Engine::decode(const std::vector<int64_t>& rows) {
  ++result_.decodeSteps;
  indices_->update(rows);
  at::Tensor tokens, logprobs;
  decodeStep_->run(*indices_, tokens, logprobs);
  launched(rows, tokens, logprobs);
}

void Engine::launched(const std::vector<int64_t>& rows, const at::Tensor& tokens,
                      const at::Tensor& logprobs) {
  Flight flight{rows, tokens, logprobs, std::nullopt};
  if (!tokens.is_cpu()) {
    const auto toHost = [](const at::Tensor& t) {
      return at::empty(t.sizes(), t.options().device(at::kCPU).pinned_memory(true))
          .copy_(t, /*non_blocking=*/true);
    };
    flight.tokens = toHost(tokens);
    flight.logprobs = toHost(logprobs);
    flight.arrived.emplace(tokens.device().type());
    flight.arrived->record(c10::impl::VirtualGuardImpl(tokens.device().type()).getStream(tokens.device()));
  } else if (options_.lookAhead > 0) {  // the next step overwrites them
    flight.tokens = tokens.clone();
    flight.logprobs = logprobs.clone();
  }
  for (const int64_t row : rows) ++scheduler_.sequences()[row].issued;
  flights_.push_back(std::move(flight));
}

void Engine::acceptFlights(size_t leave) {
  while (flights_.size() > leave) {
    Flight flight = std::move(flights_.front());
    flights_.pop_front();
    if (flight.arrived) flight.arrived->synchronize();
    const int64_t* token = flight.tokens.const_data_ptr<int64_t>();
    const float* logprob = flight.logprobs.const_data_ptr<float>();
    for (size_t i = 0; i < flight.rows.size(); ++i) {
      if (scheduler_.sequences()[flight.rows[i]].done) continue;  // it stopped after this step was queued
      accept(flight.rows[i], static_cast<int32_t>(token[i]), logprob[i]);
    }
  }
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
  if (std::isnan(logprob))  // how the kernels report logits from which nothing can be drawn
    throw Error(kNumericError, "the logits of row " + std::to_string(row) +
                                   " hold a NaN, an infinity or nothing finite: the weights are damaged or "
                                   "diverged");
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

RolloutResult runEngine(Model& model, const RolloutRequest& request, const RolloutCallbacks& callbacks,
                        const CancelToken& cancel, const EngineOptions& options) {
  struct Trim {  // also after an error, once the stream is idle
    Model& model;
    bool kept;
    ~Trim() {
      try {
        if (kept) trimWorkspace(model);
      } catch (const c10::Error&) {  // the device has failed: the next call reports it
      }
    }
  } trim{model, options.keepWorkspace};
  const StreamScope stream(options.fused ? rolloutStream(model.device) : std::nullopt);
  Engine engine(model, request, callbacks, cancel, options);
  try {
    engine.run();
  } catch (const Error& error) {
    if (error.code() != kAbortedError || !request.returnPartialOnAbort) throw;
  }
  return engine.result();
}

}  // namespace toolr0
