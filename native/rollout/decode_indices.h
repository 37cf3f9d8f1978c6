#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "rollout/decode_buffers.h"
#include "rollout/scheduler.h"

namespace toolr0 {

// How a step wants its rows described.
struct DecodeLayout {
  bool padded = false;    // lines up to the next bucket are filled with rows that touch only the discard page
  bool advances = false;  // the step moves the state on by itself: nothing is uploaded while the batch stays
  int64_t rowsPerRun = 1;
  int64_t discardSlot = 0;
};

// Describes the rows of a decode step: one line per row, whose last token is fed to the model. That token may
// still be on its way from the step before; then it is taken over on the device.
class DecodeIndices {
 public:
  DecodeIndices(Scheduler& scheduler, DecodeBuffers& buffers, const DecodeLayout& layout);
  static DecodeShape shapeFor(Scheduler& scheduler, int64_t maxBatch);

  // The page list of a prompt that has become resident.
  void setPrompt(int32_t prompt);
  // Describes `rows` (ascending). On CUDA uploads are queued, and only made when rows or pages have changed.
  void update(const std::vector<int64_t>& rows);

  int64_t decoding = 0;  // rows of the step
  int64_t width = 0;     // with padding
  int64_t runs = 0;      // consecutive rows of one prompt, at most rowsPerRun
  // [decoding] int64
  at::Tensor tokens() const { return buffers_.tokens.narrow(0, 0, decoding); }
  at::Tensor positions() const { return buffers_.longsOf(DecodeBuffers::kPosition, decoding); }
  at::Tensor slots() const { return buffers_.longsOf(DecodeBuffers::kSlot, decoding); }
  // [decoding] int64: Philox stream = row of the result, step = number of its next token.
  at::Tensor streams() const { return buffers_.longsOf(DecodeBuffers::kStream, decoding); }
  at::Tensor steps() const { return buffers_.longsOf(DecodeBuffers::kStep, decoding); }
  // [decoding], [prompts, pages], [prompts], [decoding, pages], [decoding] int32, see DecodeAttentionInput
  at::Tensor prefixIndex() const { return buffers_.intsOf(DecodeBuffers::kPrefix, decoding); }
  const at::Tensor& prefixTable() const { return buffers_.prefixTable; }
  const at::Tensor& prefixLength() const { return buffers_.prefixLength; }
  at::Tensor suffixTable() const { return buffers_.suffixTable.narrow(0, 0, decoding); }
  at::Tensor suffixLength() const { return buffers_.intsOf(DecodeBuffers::kLength, decoding); }
  DecodeBuffers& buffers() const { return buffers_; }
  const DecodeLayout& layout() const { return layout_; }

 private:
  bool unchanged(const std::vector<int64_t>& rows) const;
  void describe(int64_t line, int64_t row);
  void pad();
  void findRuns();
  void placeTokens(const std::vector<int64_t>& rows);
  void upload();

  Scheduler& scheduler_;
  DecodeBuffers& buffers_;
  DecodeLayout layout_;
  // Written by the host; on the CPU these are the buffers themselves.
  at::Tensor hostLongs_, hostInts_, hostSuffixTable_;
  std::vector<int64_t> rows_;  // of the step before
  struct Line {
    int64_t admission = 0, pages = 0;
  };
  std::vector<Line> lines_;  // what stands in each line of the suffix table
  int64_t changedTableLines_ = 0;
};

}  // namespace toolr0
