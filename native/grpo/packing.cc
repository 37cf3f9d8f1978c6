#include "grpo/packing.h"

#include <algorithm>

namespace toolr0 {
namespace {

int64_t promptLength(const TrainBatch& batch, int32_t prompt) {
  return batch.promptOffsets[prompt + 1] - batch.promptOffsets[prompt];
}
int64_t completionLength(const TrainBatch& batch, int32_t row) {
  return batch.completionOffsets[row + 1] - batch.completionOffsets[row];
}
bool isMasked(const TrainBatch& batch, int32_t row) {
  return !batch.rowMask.empty() && batch.rowMask[row] == 0;
}

// Fills micro-batches with rows. `fresh` marks the first row of a prompt inside the current micro-batch.
class Filler {
 public:
  Filler(const TrainBatch& batch, int64_t budget, std::vector<std::vector<int32_t>>& out)
      : batch_(batch), budget_(budget), out_(out) {}

  // Rows of one prompt.
  void addGroup(const std::vector<int32_t>& group) {
    int64_t tokens = promptLength(batch_, batch_.promptOfRow[group.front()]);
    for (const int32_t row : group) tokens += completionLength(batch_, row) - 1;
    if (used_ > 0 && used_ + tokens > budget_) startNew();
    bool fresh = true;
    for (const int32_t row : group) {
      const int64_t own = completionLength(batch_, row) - 1;
      const int64_t prompt = promptLength(batch_, batch_.promptOfRow[row]);
      if (used_ > 0 && used_ + own + (fresh ? prompt : 0) > budget_) {
        startNew();
        fresh = true;
      }
      if (out_.empty() || used_ == 0) out_.emplace_back();
      out_.back().push_back(row);
      used_ += own + (fresh ? prompt : 0);
      fresh = false;
    }
  }

 private:
  void startNew() { used_ = 0; }
  const TrainBatch& batch_;
  const int64_t budget_;
  std::vector<std::vector<int32_t>>& out_;
  int64_t used_ = 0;  // tokens in the current micro-batch; 0 = the next row opens one
};

// The tokens of a packed batch under construction.
struct Packer {
  std::vector<int64_t> tokens, positions;
  std::vector<Segment> segments;
  void append(const int32_t* ids, int64_t count, int64_t firstPosition, int32_t prefix) {
    segments.push_back({static_cast<int64_t>(tokens.size()), count, prefix});
    for (int64_t i = 0; i < count; ++i) {
      tokens.push_back(ids[i]);
      positions.push_back(firstPosition + i);
    }
  }
};

}  // namespace

StepPlan planStep(const TrainBatch& batch, bool skipZeroAdvantage, int64_t tokenBudget) {
  StepPlan plan;
  plan.rows = static_cast<int64_t>(batch.promptOfRow.size());
  Filler filler(batch, tokenBudget, plan.microBatches);
  std::vector<int32_t> group;
  const auto flush = [&] {
    if (!group.empty()) filler.addGroup(group);
    group.clear();
  };
  for (int32_t row = 0; row < plan.rows; ++row) {
    const int64_t tokens = isMasked(batch, row) ? 0 : completionLength(batch, row);
    plan.unmaskedTokens += tokens;
    if (tokens == 0 || (skipZeroAdvantage && batch.advantages[row] == 0.0f)) {
      ++plan.leftOutRows;
      plan.leftOutTokens += tokens;
      continue;
    }
    if (!group.empty() && batch.promptOfRow[group.back()] != batch.promptOfRow[row]) flush();
    group.push_back(row);
  }
  flush();
  return plan;
}

at::Tensor MicroBatch::padded(const at::Tensor& perToken) const {
  return at::zeros({rows * width}, perToken.options()).index_copy_(0, cell, perToken).view({rows, width});
}

MicroBatch packMicroBatch(const TrainBatch& batch, const std::vector<int32_t>& rows, at::Device device) {
  MicroBatch out;
  out.rows = static_cast<int64_t>(rows.size());
  Packer packer;
  std::vector<int32_t> prefixOfRow;  // segment index
  for (size_t i = 0; i < rows.size(); ++i) {
    const int32_t prompt = batch.promptOfRow[rows[i]];
    if (i == 0 || prompt != batch.promptOfRow[rows[i - 1]]) {
      packer.append(batch.promptTokens.data() + batch.promptOffsets[prompt], promptLength(batch, prompt), 0,
                    -1);
    }
    prefixOfRow.push_back(static_cast<int32_t>(packer.segments.size()) - 1);
    out.width = std::max(out.width, completionLength(batch, rows[i]));
  }
  std::vector<int64_t> hiddenRow, target, cell;
  std::vector<float> oldLogps, samplingLogps, refLogps, advantages;
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t begin = batch.completionOffsets[rows[i]], count = completionLength(batch, rows[i]);
    const Segment prompt = packer.segments[prefixOfRow[i]];
    const int64_t first = static_cast<int64_t>(packer.tokens.size());
    if (count > 1)
      packer.append(batch.completionTokens.data() + begin, count - 1, prompt.length, prefixOfRow[i]);
    for (int64_t t = 0; t < count; ++t) {
      hiddenRow.push_back(t == 0 ? prompt.begin + prompt.length - 1 : first + t - 1);
      target.push_back(batch.completionTokens[begin + t]);
      cell.push_back(static_cast<int64_t>(i) * out.width + t);
      if (!batch.oldLogprobs.empty()) oldLogps.push_back(batch.oldLogprobs[begin + t]);
      if (!batch.samplingLogprobs.empty()) samplingLogps.push_back(batch.samplingLogprobs[begin + t]);
      if (!batch.refLogprobs.empty()) refLogps.push_back(batch.refLogprobs[begin + t]);
    }
    out.contextLength = std::max(out.contextLength, prompt.length + count);
    advantages.push_back(batch.advantages[rows[i]]);
  }
  out.packed.tokens = at::tensor(packer.tokens, at::kLong).to(device);
  out.packed.positions = at::tensor(packer.positions, at::kLong).to(device);
  out.packed.segments = std::move(packer.segments);
  out.hiddenRow = at::tensor(hiddenRow, at::kLong).to(device);
  out.target = at::tensor(target, at::kLong).to(device);
  out.cell = at::tensor(cell, at::kLong).to(device);
  out.advantages = at::tensor(advantages, at::kFloat).to(device);
  if (!oldLogps.empty()) out.oldLogps = at::tensor(oldLogps, at::kFloat).to(device);
  if (!samplingLogps.empty()) out.samplingLogps = at::tensor(samplingLogps, at::kFloat).to(device);
  if (!refLogps.empty()) out.refLogps = at::tensor(refLogps, at::kFloat).to(device);
  return out;
}

}  // namespace toolr0
