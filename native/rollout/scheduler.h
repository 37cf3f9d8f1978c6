#pragma once
#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "rollout/kv_cache.h"
#include "rollout/rollout.h"

namespace toolr0 {

// Tokens run in one prefill pass (a longer prompt runs alone).
inline constexpr int64_t kPrefillTokens = 4096;

// A distinct prompt. Its pages are shared by all its sequences and live while one of them runs or waits.
struct Prompt {
  const std::vector<int32_t>* tokens = nullptr;
  std::vector<int32_t> pages;
  bool resident = false;             // its keys and values are in `pages`
  int64_t running = 0, waiting = 0;  // its sequences in the batch and in the queue
};

struct Sequence {
  int32_t prompt = 0;
  std::vector<int32_t> tokens;  // the completion so far
  std::vector<float> logprobs;
  int64_t issued = 0;          // tokens sampled, those whose values are still on their way included
  bool done = false;           // it has left for good
  std::vector<int32_t> pages;  // of its own tokens; only appended to while it runs
  int64_t admission =
      0;  // number of its last entry into the batch: a preempted row comes back with other pages
  int32_t stopState = 0;
  FinishReason reason = FinishReason::kAborted;
};

// Work for one prefill pass.
struct PrefillPack {
  struct PromptRun {
    int32_t prompt;
    bool store;  // false: resident already, run again only because a resumed sequence attends to it
  };
  std::vector<PromptRun> prompts;
  std::vector<int64_t> resumed;  // rows whose tokens but the last are run again
};

// Decides which rows run and owns all pages. Knows no tensor.
//
// Rows enter in row order when a batch slot and pages are free, and pages are taken as completions grow. When
// none is left, first prompts that only wait give theirs back, then the youngest running row (the highest
// number) is preempted: it keeps its tokens, gives back its pages and waits at the head of the queue. No
// deadlock: the oldest running row is never preempted while another runs, the pool holds any one row at full
// length (pagesNeededByOne), so the oldest always finishes; and because every waiting row is younger than
// every running one, the oldest unfinished row is always running or next.
class Scheduler {
 public:
  // `pool` must hold at least pagesNeededByOne(request) pages.
  Scheduler(const RolloutRequest& request, PagePool& pool);

  static int64_t pagesNeededByOne(const RolloutRequest& request);
  int64_t pagesNeededByAll() const;  // with which nothing ever waits for a page

  bool done() const { return queue_.empty() && running_.empty(); }
  // Ascending rows; those without tokens (just admitted) come last.
  const std::vector<int64_t>& running() const { return running_; }
  std::vector<Prompt>& prompts() { return prompts_; }
  std::vector<Sequence>& sequences() { return sequences_; }
  int64_t maxOwnPages() const { return maxOwnPages_; }
  int64_t preemptions() const { return preemptions_; }

  // Gives every running row the page of the token it feeds next, preempting for it where `mayPreempt`; else
  // false if one went without. A preempted row needs all its tokens (issued == tokens.size()). Where pages
  // are taken at all, rows also get those of their next `ahead` tokens if memory is plentiful: page tables
  // then change rarely.
  bool grow(bool mayPreempt = true, int64_t ahead = 0);
  // Admits waiting rows up to one pass of prefill; true while `pack` holds work and more rows may follow.
  bool admit(PrefillPack& pack);
  // The row leaves the batch for good.
  void finish(int64_t row);

 private:
  bool tryAdmit(Sequence& sequence);
  void prefillAhead(PrefillPack& pack, int64_t tokens);
  void preemptYoungest();
  void leave(int64_t row);
  bool reserve(int64_t pages);  // evicts waiting prompts until so many are free
  void load(int32_t prompt);
  void unload(Prompt& prompt);
  int64_t pagesToFeed(const Sequence& sequence, int64_t ahead) const;
  void growAhead(int64_t ahead);
  int64_t worstGrowth() const;  // pages the running rows may still ask for
  void setIdle(int32_t prompt);
  void clearIdle(int32_t prompt);

  PagePool& pool_;
  int64_t maxBatch_, maxFed_, maxOwnPages_, ownPages_ = 0, idlePages_ = 0, preemptions_ = 0, admissions_ = 0;
  std::vector<Prompt> prompts_;
  std::vector<Sequence> sequences_;  // [rows]
  std::deque<int64_t> queue_;        // ascending
  std::vector<int64_t> running_;
  std::set<int32_t> idle_;  // resident prompts of which nothing runs
};

}  // namespace toolr0
