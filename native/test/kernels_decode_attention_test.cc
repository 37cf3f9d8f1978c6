// The hand-written CPU path against the ATen reference on random pools, and the reference against attention
// written out.
#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "check.h"  // last: it replaces c10's CHECK
#include "kernels/decode_attention.h"

namespace {

struct Shape {
  int64_t heads, kvHeads, headDim, pageSize;
  at::ScalarType dtype;
};

// Sequences per prompt, prompt lengths and own lengths; pages are dealt out in random order.
toolr0::DecodeAttentionInput randomInput(const Shape& s, const std::vector<int32_t>& promptOf,
                                         const std::vector<int32_t>& promptLengths,
                                         const std::vector<int32_t>& ownLengths) {
  const auto pagesOf = [&](int32_t tokens) { return (tokens + s.pageSize - 1) / s.pageSize; };
  int64_t total = 1, prefixColumns = 1, suffixColumns = 1;
  for (int32_t n : promptLengths)
    total += pagesOf(n), prefixColumns = std::max<int64_t>(prefixColumns, pagesOf(n));
  for (int32_t n : ownLengths)
    total += pagesOf(n), suffixColumns = std::max<int64_t>(suffixColumns, pagesOf(n));
  const at::Tensor order = at::randperm(total, at::kInt);
  int64_t next = 0;
  const auto deal = [&](const std::vector<int32_t>& lengths, int64_t columns) {
    at::Tensor table = at::full({static_cast<int64_t>(lengths.size()), columns}, -1, at::kInt);
    for (size_t i = 0; i < lengths.size(); ++i)
      for (int64_t page = 0; page < pagesOf(lengths[i]); ++page) table[i][page] = order[next++];
    return table;
  };
  const auto ints = [](const std::vector<int32_t>& v) {
    return at::tensor(at::ArrayRef<int32_t>(v), at::kInt);
  };
  toolr0::DecodeAttentionInput input;
  const auto batch = static_cast<int64_t>(ownLengths.size());
  input.query = (at::randn({batch, s.heads, s.headDim}) * 2).to(s.dtype);
  input.keyPages = at::randn({total, s.pageSize, s.kvHeads, s.headDim}).to(s.dtype);
  input.valuePages = at::randn({total, s.pageSize, s.kvHeads, s.headDim}).to(s.dtype);
  input.prefixIndex = ints(promptOf);
  input.prefixTable = deal(promptLengths, prefixColumns);
  input.prefixLength = ints(promptLengths);
  input.suffixTable = deal(ownLengths, suffixColumns);
  input.suffixLength = ints(ownLengths);
  input.scale = 1.0 / std::sqrt(static_cast<double>(s.headDim));
  return input;
}

double largestDifference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// One query at a time, tokens gathered one by one, in double.
at::Tensor writtenOut(const toolr0::DecodeAttentionInput& in) {
  const int64_t pageSize = in.keyPages.size(1), group = in.query.size(1) / in.keyPages.size(2);
  at::Tensor out = at::empty(in.query.sizes(), at::kDouble);
  for (int64_t b = 0; b < in.query.size(0); ++b) {
    std::vector<at::Tensor> keys, values;
    const auto take = [&](const at::Tensor& table, int64_t row, int64_t length) {
      for (int64_t t = 0; t < length; ++t) {
        const auto page = table[row][t / pageSize].item<int64_t>();
        keys.push_back(in.keyPages[page][t % pageSize]);
        values.push_back(in.valuePages[page][t % pageSize]);
      }
    };
    const auto prompt = in.prefixIndex[b].item<int64_t>();
    take(in.prefixTable, prompt, in.prefixLength[prompt].item<int64_t>());
    take(in.suffixTable, b, in.suffixLength[b].item<int64_t>());
    const at::Tensor k = at::stack(keys).to(at::kDouble),
                     v = at::stack(values).to(at::kDouble);  // [tokens, Hkv, D]
    for (int64_t h = 0; h < in.query.size(1); ++h) {
      const at::Tensor scores = k.select(1, h / group).mv(in.query[b][h].to(at::kDouble)) * in.scale;
      out[b][h] = at::softmax(scores, 0).matmul(v.select(1, h / group));
    }
  }
  return out;
}

}  // namespace

int main() {
  at::manual_seed(7);
  const std::vector<Shape> shapes = {
      {4, 2, 32, 16, at::kFloat},  {4, 2, 12, 16, at::kFloat},    {4, 4, 8, 16, at::kFloat},
      {14, 2, 64, 16, at::kFloat}, {3, 1, 128, 16, at::kFloat},   {4, 2, 20, 5, at::kFloat},
      {4, 2, 32, 40, at::kFloat},  {4, 2, 32, 16, at::kBFloat16}, {6, 2, 20, 256, at::kBFloat16}};
  const std::vector<int32_t> promptOf = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 1, 0, 3};
  const std::vector<int32_t> promptLengths = {70, 1, 16, 33};
  const std::vector<int32_t> ownLengths = {1, 2, 15, 16, 17, 31, 32, 33, 48, 5, 100, 1, 16, 1, 7, 64};
  for (const Shape& shape : shapes) {
    const auto input = randomInput(shape, promptOf, promptLengths, ownLengths);
    const double tolerance =
        shape.dtype == at::kFloat ? 5e-6 : 2e-2;  // bf16: one rounding of values around 1
    const at::Tensor reference = toolr0::reference::decodeAttention(input);
    const at::Tensor fast = toolr0::decodeAttention(input);
    CHECK(fast.scalar_type() == shape.dtype && fast.sizes() == input.query.sizes());
    CHECK_NEAR(largestDifference(fast, reference), 0, tolerance);
    CHECK_NEAR(largestDifference(reference, writtenOut(input)), 0, tolerance);

    // A sequence's result is the same, bit for bit, whoever else is in the batch.
    for (int64_t b : {0L, 8L, 15L}) {
      auto alone = input;
      alone.query = input.query.narrow(0, b, 1);
      alone.prefixIndex = input.prefixIndex.narrow(0, b, 1);
      alone.suffixTable = input.suffixTable.narrow(0, b, 1);
      alone.suffixLength = input.suffixLength.narrow(0, b, 1);
      CHECK(toolr0::decodeAttention(alone).equal(fast.narrow(0, b, 1)));
    }
  }
  return check::report();
}
