// The attention kernels of the decode step, compiled as C++ and run on the CPU, against the ATen references:
// ragged lengths, shared and missing prompts, lengths around tiles and pages, every head dimension, many and
// few splits.
#include "emulated_kernels.h"
#include "kernels/decode_attention.cu"
#include "kernels/grouped_decode_attention.cu"
#include "kernels/grouped_decode_attention.h"

namespace {
using namespace toolr0;
using check::data;

struct Shape {
  int64_t heads, kvHeads, headDim;
};

at::Tensor ints(const std::vector<int32_t>& values) {
  return at::tensor(at::ArrayRef<int32_t>(values), at::kInt);
}

// Rows of prompt p[i]; -1: padding, which has no prompt. Pages are dealt out in random order; the rest of the
// pool is NaN, so that a read beyond a row's tokens shows.
struct Problem {
  GroupedDecodeInput input;
  at::Tensor qkv;
};
Problem randomProblem(const Shape& s, at::ScalarType dtype, const std::vector<int32_t>& promptOf,
                      const std::vector<int32_t>& promptLengths, const std::vector<int32_t>& ownLengths,
                      int64_t rowsPerRun) {
  constexpr int64_t kPage = 16;
  const auto pagesOf = [](int32_t tokens) { return (tokens + kPage - 1) / kPage; };
  std::vector<int32_t> lengths = promptLengths;
  lengths.push_back(0);  // of padding rows
  int64_t total = 1;
  for (const int32_t n : lengths) total += pagesOf(n);
  for (const int32_t n : ownLengths) total += pagesOf(n);
  const at::Tensor order = at::randperm(total, at::kInt);
  Problem problem;
  DecodeAttentionInput& in = problem.input.rows;
  const at::TensorOptions options = at::TensorOptions().dtype(dtype);
  in.keyPages = at::full({total, kPage, s.kvHeads, s.headDim}, NAN, options);
  in.valuePages = at::full({total, kPage, s.kvHeads, s.headDim}, NAN, options);
  int64_t next = 0;
  const auto deal = [&](const std::vector<int32_t>& of) {
    int64_t columns = 1;
    for (const int32_t n : of) columns = std::max<int64_t>(columns, pagesOf(n));
    at::Tensor table = at::full({static_cast<int64_t>(of.size()), columns}, -1, at::kInt);
    for (size_t i = 0; i < of.size(); ++i)
      for (int64_t page = 0; page < pagesOf(of[i]); ++page) {
        const auto id = order[next++].item<int64_t>();
        table[i][page] = id;
        const int64_t used = std::min<int64_t>(kPage, of[i] - page * kPage);
        in.keyPages[id].narrow(0, 0, used).normal_();
        in.valuePages[id].narrow(0, 0, used).normal_();
      }
    return table;
  };
  const auto rows = static_cast<int64_t>(ownLengths.size());
  problem.qkv = (at::randn({rows, (s.heads + 2 * s.kvHeads) * s.headDim}) * 2).to(dtype);
  in.query = problem.qkv.narrow(1, 0, s.heads * s.headDim).view({rows, s.heads, s.headDim});
  std::vector<int32_t> index, start, count;
  for (int32_t row = 0; row < rows; ++row) {
    const int32_t prompt = promptOf[row];
    index.push_back(prompt < 0 ? static_cast<int32_t>(promptLengths.size()) : prompt);
    if (prompt < 0) continue;
    if (row > 0 && !start.empty() && promptOf[row - 1] == prompt && count.back() < rowsPerRun) {
      ++count.back();
    } else {
      start.push_back(row);
      count.push_back(1);
    }
  }
  start.insert(start.end(), 2, 0);  // runs of no rows, as in a recorded step
  count.insert(count.end(), 2, 0);
  in.prefixIndex = ints(index);
  in.prefixTable = deal(lengths);
  in.prefixLength = ints(lengths);
  in.suffixTable = deal(ownLengths);
  in.suffixLength = ints(ownLengths);
  in.scale = 1.0 / std::sqrt(static_cast<double>(s.headDim));
  problem.input.runStart = ints(start);
  problem.input.runCount = ints(count);
  return problem;
}

at::Tensor runGrouped(const Problem& problem, const DecodeSplits& splits) {
  const DecodeAttentionInput& in = problem.input.rows;
  const int64_t rows = in.query.size(0), heads = in.query.size(1), dim = in.query.size(2),
                kvHeads = in.keyPages.size(2);
  at::Tensor out = at::full({rows, heads, dim}, NAN, at::kBFloat16);
  const at::Tensor parts =
      at::full({rows * heads * (splits.prefix + splits.suffix) * (dim + 2)}, NAN, at::kFloat);
  const at::Tensor arrived = at::zeros({rows * kvHeads}, at::kInt);
  const emulated_cuda::GroupedDecodePointers pointers{data<const __nv_bfloat16>(in.query),
                                                      data<const __nv_bfloat16>(in.keyPages),
                                                      data<const __nv_bfloat16>(in.valuePages),
                                                      data<const int32_t>(in.prefixIndex),
                                                      data<const int32_t>(in.prefixTable),
                                                      data<const int32_t>(in.prefixLength),
                                                      data<const int32_t>(in.suffixTable),
                                                      data<const int32_t>(in.suffixLength),
                                                      data<const int32_t>(problem.input.runStart),
                                                      data<const int32_t>(problem.input.runCount),
                                                      data<__nv_bfloat16>(out),
                                                      data<float>(parts),
                                                      data<int>(arrived),
                                                      in.query.stride(0),
                                                      static_cast<int>(rows),
                                                      static_cast<int>(problem.input.runStart.size(0)),
                                                      static_cast<int>(heads),
                                                      static_cast<int>(kvHeads),
                                                      16,
                                                      static_cast<int>(in.prefixTable.size(1)),
                                                      static_cast<int>(in.suffixTable.size(1)),
                                                      static_cast<int>(splits.prefix),
                                                      static_cast<int>(splits.suffix),
                                                      static_cast<float>(in.scale)};
  emulated_cuda::launchGroupedDecode(pointers, dim, nullptr);
  CHECK(arrived.eq(0).all().item<bool>());  // ready for the next layer
  return out;
}

template <typename T>
at::Tensor runPlain(const Problem& problem) {
  const DecodeAttentionInput& in = problem.input.rows;
  at::Tensor out = at::full(in.query.sizes(), NAN, in.query.options());
  const emulated_cuda::DecodeAttentionPointers<T> pointers{data<const T>(in.query),
                                                           data<const T>(in.keyPages),
                                                           data<const T>(in.valuePages),
                                                           data<const int32_t>(in.prefixIndex),
                                                           data<const int32_t>(in.prefixTable),
                                                           data<const int32_t>(in.prefixLength),
                                                           data<const int32_t>(in.suffixTable),
                                                           data<const int32_t>(in.suffixLength),
                                                           data<T>(out),
                                                           in.query.stride(0),
                                                           in.query.size(0),
                                                           in.query.size(1),
                                                           in.keyPages.size(2),
                                                           in.query.size(2),
                                                           16,
                                                           in.prefixTable.size(1),
                                                           in.suffixTable.size(1),
                                                           static_cast<float>(in.scale)};
  emulated_cuda::launchDecodeAttention(pointers, nullptr);
  return out;
}

// bf16 weights and output: errors of 2^-8 of values around 1. fp32 with __expf: 1e-5.
constexpr double kBFloat16Error = 1.2e-2, kFloatError = 1e-5;

void checkShape(const Shape& shape, const std::vector<int32_t>& promptOf,
                const std::vector<int32_t>& promptLengths, const std::vector<int32_t>& ownLengths,
                bool thorough = false) {
  const int64_t perRun = maxRowsPerRun(shape.heads, shape.kvHeads);
  const Problem half = randomProblem(shape, at::kBFloat16, promptOf, promptLengths, ownLengths, perRun);
  const at::Tensor expected = reference::decodeAttention(half.input.rows);
  CHECK_NEAR(
      check::relativeError(check::inBothOrders([&] { return runPlain<__nv_bfloat16>(half); }), expected), 0,
      kBFloat16Error);
  at::Tensor viaRuns = at::empty(half.input.rows.query.sizes(), at::kFloat);
  reference::groupedDecodeAttention(half.input, viaRuns);
  CHECK_NEAR(check::relativeError(viaRuns, expected), 0, kBFloat16Error);
  if (emulated_cuda::groupedDecodeTakes(shape.headDim, shape.heads, shape.kvHeads)) {
    for (const DecodeSplits& splits : {DecodeSplits{3, 2}, DecodeSplits{1, 1}, DecodeSplits{32, 32}}) {
      if (!thorough && splits.suffix != 3) continue;
      const at::Tensor grouped = check::inBothOrders([&] { return runGrouped(half, splits); });
      CHECK_NEAR(check::relativeError(grouped, expected), 0, kBFloat16Error);
    }
  }
  const Problem full = randomProblem(shape, at::kFloat, promptOf, promptLengths, ownLengths, perRun);
  CHECK_NEAR(check::relativeError(check::inBothOrders([&] { return runPlain<float>(full); }),
                                  reference::decodeAttention(full.input.rows)),
             0, kFloatError);
}

}  // namespace

int main() {
  if (check::emulationIsOff()) return 77;
  at::manual_seed(11);
  // Ragged: lengths around pages (16) and tiles (64), a prompt used twice apart, padding rows at the end.
  const std::vector<int32_t> promptOf = {0, 0, 0, 1, 2, 2, 0, 3, -1, -1}, promptLengths = {70, 1, 64, 129},
                             ownLengths = {1, 16, 17, 65, 128, 130, 63, 64, 1, 1};
  for (const int64_t headDim : {32, 64, 96, 128, 20, 256})
    checkShape({4, 2, headDim}, promptOf, promptLengths, ownLengths);
  for (const Shape& shape : {Shape{16, 2, 128}, Shape{24, 8, 64}, Shape{3, 3, 32}, Shape{40, 1, 32}})
    checkShape(shape, promptOf, promptLengths, ownLengths);
  checkShape({14, 2, 64}, promptOf, promptLengths, ownLengths, /*thorough=*/true);
  // One row; a group of eight that fills four query tiles; one of 24 that needs three runs.
  checkShape({14, 2, 64}, {0}, {200}, {300}, /*thorough=*/true);
  checkShape({16, 2, 64}, std::vector<int32_t>(8, 0), {150}, {1, 2, 3, 4, 5, 6, 7, 80});
  checkShape({12, 2, 32}, std::vector<int32_t>(24, 0), {90}, std::vector<int32_t>(24, 20));
  return check::report();
}
