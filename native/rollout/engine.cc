#include "rollout/engine.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "kernels/decode_attention.h"
#include "kernels/packed_attention.h"
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

at::Tensor longTensor(const std::vector<int64_t>& values, at::Device device) {
  return at::tensor(at::ArrayRef<int64_t>(values), at::kLong).to(device);
}

// The token lists of a prefill pass.
struct PackedTokens {
  std::vector<int64_t> tokens, positions, slots;
  std::vector<Segment> segments;

  void beginSegment(int32_t prefix) { segments.push_back({static_cast<int64_t>(tokens.size()), 0, prefix}); }
  void add(int32_t token, int64_t position, int64_t slot) {
    tokens.push_back(token);
    positions.push_back(position);
    slots.push_back(slot);
    ++segments.back().length;
  }
};
int64_t slotOf(const std::vector<int32_t>& pages, int64_t index) {
  return pages[index / kPageSize] * kPageSize + index % kPageSize;
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
      lastHidden_(at::zeros({static_cast<int64_t>(scheduler_.prompts().size()), model.config.hiddenSize},
                            at::TensorOptions().device(model.device).dtype(model.dtype))),
      scale_(1.0 / std::sqrt(static_cast<double>(model.config.headDim))) {
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
  if (scheduler_.grow())
    for (PrefillPack pack; scheduler_.admit(pack);) prefill(pack);
  indices_.update();

  // One head product and one sampler call serve the rows that decode and those that only now begin.
  at::Tensor hidden;
  if (indices_.decoding > 0) hidden = decode();
  if (indices_.rows > indices_.decoding) {
    const at::Tensor first = lastHidden_.index_select(0, indices_.newPrompts());
    hidden = hidden.defined() ? at::cat({hidden, first}) : first;
  }
  at::Tensor tokens, logprobs;
  sample(headLogits(model_, hidden), request_.sampling, request_.seed, indices_.streams(), indices_.steps(),
         tokens, logprobs);
  tokens = tokens.to(at::kCPU);
  logprobs = logprobs.to(at::kCPU);
  const int64_t* token = tokens.const_data_ptr<int64_t>();
  const float* logprob = logprobs.const_data_ptr<float>();
  const std::vector<int64_t> rows =
      scheduler_.running();  // a copy: finished rows leave while we go through it
  for (size_t i = 0; i < rows.size(); ++i) accept(rows[i], static_cast<int32_t>(token[i]), logprob[i]);
}

void Engine::prefill(const PrefillPack& pack) {
  const Clock::time_point start = Clock::now();
  PackedTokens packed;
  std::vector<int64_t> stored, lastTokens;  // prompts whose last hidden state is kept, and where it is
  std::vector<int32_t> segmentOf(scheduler_.prompts().size(), -1);
  for (const auto& [index, store] : pack.prompts) {
    const Prompt& prompt = scheduler_.prompts()[index];
    segmentOf[index] = static_cast<int32_t>(packed.segments.size());
    packed.beginSegment(-1);
    for (size_t t = 0; t < prompt.tokens->size(); ++t) {
      const auto position = static_cast<int64_t>(t);
      packed.add((*prompt.tokens)[t], position,
                 store ? slotOf(prompt.pages, position) : cache_.discardSlot());
    }
    if (!store) continue;
    stored.push_back(index);
    lastTokens.push_back(static_cast<int64_t>(packed.tokens.size()) - 1);
    indices_.setPrompt(index);
  }
  std::vector<int64_t> resumed = pack.resumed;  // completions of one prompt must be adjacent
  std::stable_sort(resumed.begin(), resumed.end(), [&](int64_t a, int64_t b) {
    return scheduler_.sequences()[a].prompt < scheduler_.sequences()[b].prompt;
  });
  for (const int64_t row : resumed) {
    const Sequence& sequence = scheduler_.sequences()[row];
    const auto promptLength = static_cast<int64_t>(scheduler_.prompts()[sequence.prompt].tokens->size());
    packed.beginSegment(segmentOf[sequence.prompt]);
    for (int64_t t = 0; t + 1 < static_cast<int64_t>(sequence.tokens.size()); ++t)
      packed.add(sequence.tokens[t], promptLength + t, slotOf(sequence.pages, t));
  }

  const at::Tensor slots = longTensor(packed.slots, model_.device);
  const at::Tensor hidden = decoderForward(
      model_, longTensor(packed.tokens, model_.device), longTensor(packed.positions, model_.device),
      [&](int64_t layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
        cancel_.throwIfRequested();
        cache_.write(layer, slots, key, value);
        at::Tensor lse;
        return packedAttention(query, key, value, packed.segments, scale_, lse);
      });
  if (!stored.empty())
    lastHidden_.index_copy_(0, longTensor(stored, model_.device),
                            hidden.index_select(0, longTensor(lastTokens, model_.device)));
  // Only for an honest prefillSeconds.
  if (!model_.device.is_cpu())
    c10::impl::VirtualGuardImpl(model_.device.type()).getStream(model_.device).synchronize();
  result_.prefillTokens += static_cast<int64_t>(packed.tokens.size());
  result_.prefillSeconds += secondsSince(start);
}

at::Tensor Engine::decode() {
  ++result_.decodeSteps;
  const at::Tensor slots = indices_.slots();
  DecodeAttentionInput input;
  input.prefixIndex = indices_.prefixIndex();
  input.prefixTable = indices_.prefixTable();
  input.prefixLength = indices_.prefixLength();
  input.suffixTable = indices_.suffixTable();
  input.suffixLength = indices_.suffixLength();
  input.scale = scale_;
  return decoderForward(
      model_, indices_.tokens(), indices_.positions(),
      [&](int64_t layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
        cache_.write(layer, slots, key, value);
        input.query = query;
        input.keyPages = cache_.keys(layer);
        input.valuePages = cache_.values(layer);
        return decodeAttention(input);
      });
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
