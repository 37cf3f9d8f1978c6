#include "rollout/scheduler.h"

#include <algorithm>
#include <map>

namespace toolr0 {
namespace {

// The last token of a completion is never fed back, so it needs no place.
int64_t ownPagesAtMost(const RolloutRequest& request) {
  return pagesFor(request.maxNewTokens - 1);
}

}  // namespace

Scheduler::Scheduler(const RolloutRequest& request, PagePool& pool)
    : pool_(pool),
      maxBatch_(request.maxBatch),
      maxFed_(request.maxNewTokens - 1),
      maxOwnPages_(ownPagesAtMost(request)) {
  const int64_t n = request.samplesPerPrompt;
  std::map<std::vector<int32_t>, int32_t> known;
  for (size_t i = 0; i < request.prompts.size(); ++i) {
    const auto [entry, isNew] = known.try_emplace(request.prompts[i], static_cast<int32_t>(prompts_.size()));
    if (isNew) prompts_.emplace_back().tokens = &request.prompts[i];
    prompts_[entry->second].waiting += n;
    for (int64_t sample = 0; sample < n; ++sample) {
      queue_.push_back(static_cast<int64_t>(sequences_.size()));
      sequences_.emplace_back().prompt = entry->second;
    }
  }
}

int64_t Scheduler::pagesNeededByOne(const RolloutRequest& request) {
  size_t longest = 0;
  for (const std::vector<int32_t>& prompt : request.prompts) longest = std::max(longest, prompt.size());
  return pagesFor(static_cast<int64_t>(longest)) + ownPagesAtMost(request);
}

int64_t Scheduler::pagesNeededByAll() const {
  std::vector<int64_t> pages;
  for (const Prompt& prompt : prompts_)
    pages.push_back(pagesFor(static_cast<int64_t>(prompt.tokens->size())));
  std::sort(pages.rbegin(), pages.rend());
  const auto rows = std::min<int64_t>(maxBatch_, static_cast<int64_t>(sequences_.size()));
  int64_t total = rows * maxOwnPages_, ahead = pagesFor(kPrefillTokens);
  for (size_t i = 0; i < pages.size(); ++i) {
    if (static_cast<int64_t>(i) < rows) {
      total += pages[i];
    } else if ((ahead -= pages[i]) >= 0) {
      total += pages[i];
    }
  }
  return total;
}

int64_t Scheduler::worstGrowth() const {
  return static_cast<int64_t>(running_.size()) * maxOwnPages_ - ownPages_;
}

void Scheduler::setIdle(int32_t prompt) {
  if (idle_.insert(prompt).second) idlePages_ += static_cast<int64_t>(prompts_[prompt].pages.size());
}
void Scheduler::clearIdle(int32_t prompt) {
  if (idle_.erase(prompt) > 0) idlePages_ -= static_cast<int64_t>(prompts_[prompt].pages.size());
}

bool Scheduler::reserve(int64_t pages) {
  while (pool_.free() < pages && !idle_.empty()) {
    const int32_t last = *idle_.rbegin();  // the one whose rows come last
    clearIdle(last);
    unload(prompts_[last]);
  }
  return pool_.free() >= pages;
}

void Scheduler::load(int32_t index) {
  Prompt& prompt = prompts_[index];
  for (int64_t left = pagesFor(static_cast<int64_t>(prompt.tokens->size())); left > 0; --left)
    prompt.pages.push_back(pool_.take());
  prompt.resident = true;
}

void Scheduler::unload(Prompt& prompt) {
  pool_.giveBack(prompt.pages);
  prompt.resident = false;
}

int64_t Scheduler::pagesToFeed(const Sequence& sequence, int64_t ahead) const {
  return pagesFor(std::min(sequence.issued + ahead, maxFed_));
}

bool Scheduler::grow(bool mayPreempt, int64_t ahead) {
  bool grown = false;
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = sequences_[running_[i]];
    if (pagesToFeed(sequence, 0) <= static_cast<int64_t>(sequence.pages.size())) continue;
    while (!reserve(1)) {
      if (!mayPreempt) return false;
      preemptYoungest();
      if (i == running_.size()) return true;  // it was itself the youngest
    }
    sequence.pages.push_back(pool_.take());
    ++ownPages_;
    grown = true;
  }
  if (grown && ahead > 0) growAhead(ahead);
  return true;
}

void Scheduler::growAhead(int64_t ahead) {
  int64_t wanted = 0;
  const auto missing = [&](const Sequence& sequence) {
    return pagesToFeed(sequence, ahead) - static_cast<int64_t>(sequence.pages.size());
  };
  for (const int64_t row : running_) wanted += std::max<int64_t>(0, missing(sequences_[row]));
  if (wanted > pool_.free() / 4) return;
  for (const int64_t row : running_) {
    for (Sequence& sequence = sequences_[row]; missing(sequence) > 0; ++ownPages_)
      sequence.pages.push_back(pool_.take());
  }
}

void Scheduler::leave(int64_t row) {
  Sequence& sequence = sequences_[row];
  ownPages_ -= static_cast<int64_t>(sequence.pages.size());
  pool_.giveBack(sequence.pages);
  Prompt& prompt = prompts_[sequence.prompt];
  if (--prompt.running > 0) return;
  if (prompt.waiting > 0) {
    setIdle(sequence.prompt);
  } else {
    unload(prompt);
  }
}

void Scheduler::preemptYoungest() {
  const int64_t row = running_.back();
  running_.pop_back();
  ++prompts_[sequences_[row].prompt].waiting;
  leave(row);
  queue_.push_front(row);
  ++preemptions_;
}

void Scheduler::finish(int64_t row) {
  running_.erase(std::lower_bound(running_.begin(), running_.end(), row));
  sequences_[row].done = true;
  leave(row);
}

bool Scheduler::tryAdmit(Sequence& sequence) {
  Prompt& prompt = prompts_[sequence.prompt];
  const int64_t own = pagesFor(static_cast<int64_t>(sequence.tokens.size()));
  const int64_t needed = own + (prompt.resident ? 0 : pagesFor(static_cast<int64_t>(prompt.tokens->size())));
  // One more page for every running row, or what they can use at most: otherwise the newcomer would soon be
  // preempted again.
  const int64_t count = static_cast<int64_t>(running_.size());
  const int64_t reserved = count == 0 ? 0 : std::min(count + 1, worstGrowth() + maxOwnPages_ - own);
  const int64_t evictable =
      idlePages_ - (idle_.count(sequence.prompt) > 0 ? static_cast<int64_t>(prompt.pages.size()) : 0);
  if (pool_.free() + evictable < needed + reserved) return false;

  clearIdle(sequence.prompt);  // before reserve(), which would evict it
  reserve(needed);
  if (!prompt.resident) load(sequence.prompt);
  for (int64_t i = 0; i < own; ++i) sequence.pages.push_back(pool_.take());
  ownPages_ += own;
  sequence.admission = ++admissions_;
  --prompt.waiting;
  ++prompt.running;
  return true;
}

bool Scheduler::admit(PrefillPack& pack) {
  pack = {};
  int64_t tokens = 0;
  while (!queue_.empty() && static_cast<int64_t>(running_.size()) < maxBatch_) {
    const int64_t row = queue_.front();
    Sequence& sequence = sequences_[row];
    const Prompt& prompt = prompts_[sequence.prompt];
    const auto promptLength = static_cast<int64_t>(prompt.tokens->size());
    const bool isNew = !prompt.resident, isResumed = sequence.tokens.size() > 1;
    const bool inPack =
        std::any_of(pack.prompts.begin(), pack.prompts.end(),
                    [&](const PrefillPack::PromptRun& run) { return run.prompt == sequence.prompt; });
    const bool runsPrompt = isNew || (isResumed && !inPack);
    const int64_t cost =
        (runsPrompt ? promptLength : 0) + (isResumed ? static_cast<int64_t>(sequence.tokens.size()) - 1 : 0);
    if (tokens > 0 && tokens + cost > kPrefillTokens) return true;
    if (!tryAdmit(sequence)) break;
    queue_.pop_front();
    running_.push_back(row);
    tokens += cost;
    if (runsPrompt) pack.prompts.push_back({sequence.prompt, isNew});
    if (isResumed) pack.resumed.push_back(row);
  }
  if (tokens > 0) prefillAhead(pack, tokens);
  return tokens > 0;
}

// A pass of one short prompt costs nearly as much as a full one, so the next prompts of the queue join it:
// later a finished row is replaced at once. Only into pages that no running row can come to need.
void Scheduler::prefillAhead(PrefillPack& pack, int64_t tokens) {
  for (const int64_t row : queue_) {
    const int32_t index = sequences_[row].prompt;
    const auto length = static_cast<int64_t>(prompts_[index].tokens->size());
    if (prompts_[index].resident) continue;
    if (tokens + length > kPrefillTokens || pool_.free() < pagesFor(length) + worstGrowth()) return;
    load(index);
    setIdle(index);
    pack.prompts.push_back({index, true});
    tokens += length;
  }
}

}  // namespace toolr0
