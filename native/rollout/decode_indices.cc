#include "rollout/decode_indices.h"

#include <algorithm>

namespace toolr0 {
namespace {

int64_t longestPromptPages(Scheduler& scheduler) {
  int64_t pages = 1;
  for (const Prompt& prompt : scheduler.prompts())
    pages = std::max(pages, pagesFor(static_cast<int64_t>(prompt.tokens->size())));
  return pages;
}

}  // namespace

DecodeIndices::DecodeIndices(Scheduler& scheduler, int64_t maxBatch, at::Device device)
    : scheduler_(scheduler),
      longs_({kLongs, maxBatch}, device),
      ints_({kInts, maxBatch}, device),
      prefixTable_({static_cast<int64_t>(scheduler.prompts().size()), longestPromptPages(scheduler)}, device),
      prefixLength_({static_cast<int64_t>(scheduler.prompts().size()), 1}, device),
      suffixTable_({maxBatch, std::max<int64_t>(1, scheduler.maxOwnPages())}, device),
      lines_(maxBatch) {}

void DecodeIndices::setPrompt(int32_t index) {
  const Prompt& prompt = scheduler_.prompts()[index];
  std::copy(prompt.pages.begin(), prompt.pages.end(), prefixTable_.row(index));
  *prefixLength_.row(index) = static_cast<int32_t>(prompt.tokens->size());
  prefixTable_.upload(index, 1);
  prefixLength_.upload(index, 1);
}

void DecodeIndices::update() {
  const std::vector<int64_t>& running = scheduler_.running();
  decoding = static_cast<int64_t>(running.size());
  bool tableChanged = false;
  for (int64_t i = 0; i < decoding; ++i) {
    const Sequence& sequence = scheduler_.sequences()[running[i]];
    const auto count = static_cast<int64_t>(sequence.tokens.size());
    longs_.row(kStream)[i] = running[i];
    longs_.row(kStep)[i] = count;
    const auto promptLength = static_cast<int64_t>(scheduler_.prompts()[sequence.prompt].tokens->size());
    longs_.row(kToken)[i] = sequence.tokens.back();
    longs_.row(kPosition)[i] = promptLength + count - 1;
    longs_.row(kSlot)[i] = sequence.pages[(count - 1) / kPageSize] * kPageSize + (count - 1) % kPageSize;
    ints_.row(kPrefix)[i] = sequence.prompt;
    ints_.row(kLength)[i] = static_cast<int32_t>(count);
    const Line line{sequence.admission, static_cast<int64_t>(sequence.pages.size())};
    if (lines_[i].admission == line.admission && lines_[i].pages == line.pages) continue;
    std::copy(sequence.pages.begin(), sequence.pages.end(), suffixTable_.row(i));
    lines_[i] = line;
    tableChanged = true;
  }
  longs_.upload(0, kLongs);
  ints_.upload(0, kInts);
  if (tableChanged) suffixTable_.upload(0, decoding);
}

}  // namespace toolr0
