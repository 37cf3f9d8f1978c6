// The scheduler alone, driven with invented completion lengths: nothing is lost, pages never leak or overlap,
// prompts are prefilled once when memory allows, and the smallest pool there may be still finishes.
#include <algorithm>
#include <random>
#include <set>

#include "check.h"  // last: it replaces c10's CHECK
#include "rollout/scheduler.h"
#include "rollout_fixture.h"

namespace {
using namespace toolr0;

struct Outcome {
  int64_t steps = 0, promptRuns = 0, preemptions = 0, mostRunning = 0, peakPages = 0;
  bool sound = true;
};

bool pagesDisjoint(Scheduler& scheduler, const PagePool& pool, int64_t capacity) {
  std::set<int32_t> seen;
  size_t count = 0;
  for (const Prompt& prompt : scheduler.prompts()) {
    seen.insert(prompt.pages.begin(), prompt.pages.end());
    count += prompt.pages.size();
  }
  for (const Sequence& sequence : scheduler.sequences()) {
    seen.insert(sequence.pages.begin(), sequence.pages.end());
    count += sequence.pages.size();
  }
  return seen.size() == count && static_cast<int64_t>(count) + pool.free() == capacity;
}

Outcome drive(const RolloutRequest& request, int64_t capacity, const std::vector<int64_t>& lengths,
              int64_t ahead = 0) {
  PagePool pool(capacity);
  Scheduler scheduler(request, pool);
  Outcome outcome;
  std::vector<bool> finished(lengths.size());
  while (!scheduler.done() && ++outcome.steps < 100000) {
    for (PrefillPack pack; scheduler.admit(pack);) {
      int64_t tokens = 0;
      for (const auto& run : pack.prompts) {
        outcome.promptRuns += run.store;
        tokens += static_cast<int64_t>(scheduler.prompts()[run.prompt].tokens->size());
      }
      for (const int64_t row : pack.resumed)
        tokens += static_cast<int64_t>(scheduler.sequences()[row].tokens.size()) - 1;
      outcome.sound &= tokens > 0 && (tokens <= kPrefillTokens || pack.prompts.size() == 1);
    }
    const auto append = [&](const std::vector<int64_t>& rows) {
      for (const int64_t row : rows) {
        Sequence& sequence = scheduler.sequences()[row];
        sequence.tokens.push_back(0);
        sequence.issued = static_cast<int64_t>(sequence.tokens.size());
        if (sequence.issued < lengths[row]) continue;
        outcome.sound &= !finished[row];
        finished[row] = true;
        scheduler.finish(row);
      }
    };
    outcome.mostRunning = std::max(outcome.mostRunning, static_cast<int64_t>(scheduler.running().size()));
    std::vector<int64_t> fresh;  // they get their first token before the others' next
    for (const int64_t row : scheduler.running()) {
      const bool isNew = scheduler.sequences()[row].tokens.empty();
      outcome.sound &= isNew || fresh.empty();  // new rows come last
      if (isNew) fresh.push_back(row);
    }
    append(fresh);
    // Without leave to preempt nothing is lost; with it everyone who stays has a page.
    const size_t before = scheduler.running().size();
    const bool enough = scheduler.grow(/*mayPreempt=*/false, ahead);
    outcome.sound &= scheduler.running().size() == before;
    if (!enough) scheduler.grow(/*mayPreempt=*/true, ahead);
    outcome.sound &= pagesDisjoint(scheduler, pool, capacity);
    const std::vector<int64_t> rows = scheduler.running();
    outcome.sound &= std::is_sorted(rows.begin(), rows.end());
    for (const int64_t row : rows) {
      const Sequence& sequence = scheduler.sequences()[row];
      const auto pages = static_cast<int64_t>(sequence.pages.size());
      outcome.sound &= scheduler.prompts()[sequence.prompt].resident && pages >= pagesFor(sequence.issued) &&
                       pages <= scheduler.maxOwnPages();
      if (ahead == 0) outcome.sound &= pages == pagesFor(sequence.issued);  // room for the token fed now
    }
    append(rows);
  }
  outcome.sound &= scheduler.done() && pool.free() == capacity &&
                   std::all_of(finished.begin(), finished.end(), [](bool f) { return f; });
  outcome.preemptions = scheduler.preemptions();
  outcome.peakPages = pool.peakUsed();
  return outcome;
}

}  // namespace

int main() {
  std::mt19937 random(9);
  for (int trial = 0; trial < 300; ++trial) {
    RolloutRequest request;
    std::vector<int64_t> promptLengths;
    for (unsigned i = 1 + random() % 12; i > 0; --i)
      promptLengths.push_back(1 + random() % (trial % 10 == 0 ? 3000 : 100));
    request.prompts = check::randomPrompts(promptLengths, 50, random());
    if (trial % 3 == 0)
      request.prompts.push_back(request.prompts.front());  // a repeated prompt is stored once
    request.samplesPerPrompt = 1 + random() % 9;
    request.maxNewTokens = 1 + random() % 120;
    request.maxBatch = 1 + random() % 40;
    const int64_t rows = static_cast<int64_t>(request.prompts.size()) * request.samplesPerPrompt;
    std::vector<int64_t> lengths;
    for (int64_t i = 0; i < rows; ++i) lengths.push_back(1 + random() % request.maxNewTokens);

    PagePool none(0);
    const int64_t all = Scheduler(request, none).pagesNeededByAll(),
                  one = Scheduler::pagesNeededByOne(request);
    CHECK(one <= all);
    const Outcome roomy = drive(request, all, lengths);
    CHECK(roomy.sound);
    CHECK(roomy.preemptions == 0);
    CHECK(roomy.promptRuns == static_cast<int64_t>(promptLengths.size()));
    CHECK(roomy.mostRunning == std::min(rows, request.maxBatch));
    for (const int64_t capacity : {one, one + static_cast<int64_t>(random() % (all - one + 1))}) {
      const Outcome tight = drive(request, capacity, lengths);
      CHECK(tight.sound);
      CHECK(tight.peakPages <= capacity);
      CHECK(drive(request, capacity, lengths, /*ahead=*/64).sound);
    }
  }
  return check::report();
}
