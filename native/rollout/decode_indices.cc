#include "rollout/decode_indices.h"

#include <algorithm>
#include <cstring>

#include "rollout/prefill.h"

namespace toolr0 {
namespace {

using B = DecodeBuffers;

at::Tensor hostSide(const at::Tensor& buffer) {
  return buffer.is_cpu() ? buffer : at::zeros(buffer.sizes(), buffer.options().device(at::kCPU));
}

// Copies contiguous host data to the device through a pinned buffer of its own, which libtorch's allocator
// reuses only after the copy has been made: the host may write `from` again at once.
void uploadTensor(const at::Tensor& to, const at::Tensor& from) {
  at::Tensor staged = at::empty(from.sizes(), from.options().pinned_memory(true));
  std::memcpy(staged.mutable_data_ptr(), from.const_data_ptr(), from.nbytes());
  to.copy_(staged, /*non_blocking=*/true);
}

}  // namespace

DecodeShape DecodeIndices::shapeFor(Scheduler& scheduler, int64_t maxBatch) {
  DecodeShape shape;
  shape.rows = std::min<int64_t>(maxBatch, static_cast<int64_t>(scheduler.sequences().size()));
  shape.prompts = static_cast<int64_t>(scheduler.prompts().size());
  for (const Prompt& prompt : scheduler.prompts())
    shape.promptPages = std::max(shape.promptPages, pagesFor(static_cast<int64_t>(prompt.tokens->size())));
  shape.ownPages = std::max<int64_t>(1, scheduler.maxOwnPages());
  return shape;
}

DecodeIndices::DecodeIndices(Scheduler& scheduler, DecodeBuffers& buffers, const DecodeLayout& layout)
    : scheduler_(scheduler),
      buffers_(buffers),
      layout_(layout),
      hostLongs_(hostSide(buffers.longs)),
      hostInts_(hostSide(buffers.ints)),
      hostSuffixTable_(hostSide(buffers.suffixTable)),
      lines_(buffers.shape.rows) {}

void DecodeIndices::setPrompt(int32_t index) {
  const Prompt& prompt = scheduler_.prompts()[index];
  const auto count = static_cast<int64_t>(prompt.pages.size());
  const auto length = static_cast<int32_t>(prompt.tokens->size());
  const auto list = [](const int32_t* data, int64_t n) {
    return at::from_blob(const_cast<int32_t*>(data), {n}, at::TensorOptions().dtype(at::kInt));
  };
  const at::Tensor pages = buffers_.prefixTable.select(0, index).narrow(0, 0, count),
                   lengths = buffers_.prefixLength.narrow(0, index, 1);
  if (pages.is_cpu()) {
    pages.copy_(list(prompt.pages.data(), count));
    lengths.fill_(length);
  } else {
    uploadTensor(pages, list(prompt.pages.data(), count));
    uploadTensor(lengths, list(&length, 1));
  }
}

bool DecodeIndices::unchanged(const std::vector<int64_t>& rows) const {
  if (!layout_.advances || rows != rows_) return false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Sequence& sequence = scheduler_.sequences()[rows[i]];
    if (lines_[i].admission != sequence.admission ||
        lines_[i].pages != static_cast<int64_t>(sequence.pages.size()))
      return false;
  }
  return true;
}

void DecodeIndices::update(const std::vector<int64_t>& rows) {
  if (unchanged(rows)) return;
  decoding = static_cast<int64_t>(rows.size());
  width = layout_.padded ? decodeBucket(decoding) : decoding;
  placeTokens(rows);
  changedTableLines_ = 0;
  for (int64_t line = 0; line < decoding; ++line) describe(line, rows[line]);
  pad();
  findRuns();
  upload();
  rows_ = rows;
}

void DecodeIndices::describe(int64_t line, int64_t row) {
  const int64_t stride = buffers_.shape.rows;
  auto* longs = hostLongs_.mutable_data_ptr<int64_t>() + line;
  auto* ints = hostInts_.mutable_data_ptr<int32_t>() + line;
  const Sequence& sequence = scheduler_.sequences()[row];
  const int64_t last = sequence.issued - 1;  // index of the token that is fed
  const auto promptLength = static_cast<int64_t>(scheduler_.prompts()[sequence.prompt].tokens->size());
  longs[B::kPosition * stride] = promptLength + last;
  longs[B::kSlot * stride] = sequence.pages[last / kPageSize] * kPageSize + last % kPageSize;
  longs[B::kStream * stride] = row;
  longs[B::kStep * stride] = sequence.issued;
  ints[B::kPrefix * stride] = sequence.prompt;
  ints[B::kLength * stride] = static_cast<int32_t>(sequence.issued);
  const Line now{sequence.admission, static_cast<int64_t>(sequence.pages.size())};
  if (lines_[line].admission == now.admission && lines_[line].pages == now.pages) return;
  std::copy(sequence.pages.begin(), sequence.pages.end(),
            hostSuffixTable_.mutable_data_ptr<int32_t>() + line * hostSuffixTable_.stride(0));
  lines_[line] = now;
  changedTableLines_ = line + 1;
}

// Padding rows feed token 0 into the discard page and attend to it alone.
void DecodeIndices::pad() {
  const int64_t stride = buffers_.shape.rows;
  for (int64_t line = decoding; line < width; ++line) {
    auto* longs = hostLongs_.mutable_data_ptr<int64_t>() + line;
    auto* ints = hostInts_.mutable_data_ptr<int32_t>() + line;
    longs[B::kPosition * stride] = longs[B::kStream * stride] = longs[B::kStep * stride] = 0;
    longs[B::kSlot * stride] = layout_.discardSlot;
    ints[B::kPrefix * stride] = static_cast<int32_t>(buffers_.shape.prompts);  // the empty one
    ints[B::kLength * stride] = 1;
    *(hostSuffixTable_.mutable_data_ptr<int32_t>() + line * hostSuffixTable_.stride(0)) =
        static_cast<int32_t>(layout_.discardSlot / kPageSize);
    lines_[line] = {};
    changedTableLines_ = line + 1;
  }
}

void DecodeIndices::findRuns() {
  const int64_t stride = buffers_.shape.rows;
  auto* ints = hostInts_.mutable_data_ptr<int32_t>();
  int32_t *start = ints + B::kRunStart * stride, *count = ints + B::kRunCount * stride;
  const int32_t* prefix = ints + B::kPrefix * stride;
  runs = 0;
  for (int32_t line = 0; line < decoding; ++line) {
    const bool joins = runs > 0 && prefix[line] == prefix[line - 1] && count[runs - 1] < layout_.rowsPerRun;
    if (!joins) {
      start[runs] = line;
      count[runs++] = 0;
    }
    ++count[runs - 1];
  }
  std::fill(start + runs, start + stride, 0);
  std::fill(count + runs, count + stride, 0);
}

void DecodeIndices::placeTokens(const std::vector<int64_t>& rows) {
  std::vector<int64_t> known(width, 0), source(width, -1);
  bool inFlight = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Sequence& sequence = scheduler_.sequences()[rows[i]];
    if (sequence.issued == static_cast<int64_t>(sequence.tokens.size())) {
      known[i] = sequence.tokens.back();
      continue;
    }
    // Its last token is being sampled by the step before, in the line that the row has there.
    source[i] = std::lower_bound(rows_.begin(), rows_.end(), rows[i]) - rows_.begin();
    inFlight = true;
  }
  const at::Tensor tokens = buffers_.tokens.narrow(0, 0, width);
  const at::Tensor host = longTensor(known, tokens.device());
  if (!inFlight) {
    tokens.copy_(host, /*non_blocking=*/true);
    return;
  }
  const at::Tensor from = longTensor(source, tokens.device());
  tokens.copy_(at::where(from.ge(0), buffers_.tokens.index_select(0, from.clamp_min(0)), host));
}

void DecodeIndices::upload() {
  if (buffers_.longs.is_cpu()) return;
  uploadTensor(buffers_.longs, hostLongs_);
  uploadTensor(buffers_.ints, hostInts_);
  if (changedTableLines_ > 0)
    uploadTensor(buffers_.suffixTable.narrow(0, 0, changedTableLines_),
                 hostSuffixTable_.narrow(0, 0, changedTableLines_));
}

}  // namespace toolr0
