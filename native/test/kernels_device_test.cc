// The kernels as the engine calls them, at the sizes of real models, on the CUDA device against the
// references on the CPU. Without a device the same code runs on the CPU alone and the test counts as skipped.
#include <ATen/ATen.h>

#include <cmath>

#include "check.h"
#include "kernels/decode_fused.h"
#include "kernels/grouped_decode_attention.h"
#include "kernels/logprob_head.h"
#include "kernels/packed_attention.h"
#include "kernels/rms_norm.h"
#include "kernels/sample_advance.h"
#include "kernels/sampler.h"
#include "runtime/device.h"

namespace {
using namespace toolr0;

at::Device device = at::kCPU;
at::Tensor there(const at::Tensor& t) {
  return t.to(device);
}
// The largest |a - b| / (|b| + 1), computed on the CPU.
double error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kCPU).to(at::kDouble), y = b.to(at::kCPU).to(at::kDouble);
  return ((x - y).abs() / (y.abs() + 1)).max().item<double>();
}
double tolerance(at::ScalarType type) {
  return type == at::kFloat ? 3e-5 : 2e-2;
}
at::Tensor ints(const std::vector<int64_t>& values) {
  return at::tensor(values, at::kLong).to(at::kInt);
}

struct Shape {
  const char* name;
  int64_t hidden, intermediate, heads, kvHeads, headDim;
};

void checkElementwise(const Shape& s, at::ScalarType type, int64_t rows) {
  const at::Tensor table = at::randn({500, s.hidden}).to(type), weight = at::randn({s.hidden}).to(type);
  const at::Tensor tokens = at::randint(500, {rows}, at::kLong), x = at::randn({rows, s.hidden}).to(type);
  at::Tensor a = at::empty_like(x), b = at::empty_like(x), c = at::empty_like(x);
  at::Tensor ta = there(a), tb = there(b), tc = there(c);
  reference::embedRmsNorm(tokens, table, weight, 1e-6, a, b);
  reference::rmsNormInto(x, weight, 1e-6, c);
  embedRmsNorm(there(tokens), there(table), there(weight), 1e-6, ta, tb);
  rmsNormInto(there(x), there(weight), 1e-6, tc);
  CHECK(at::equal(ta.to(at::kCPU), a));
  CHECK_NEAR(error(tb, b), 0, tolerance(type));
  CHECK_NEAR(error(tc, c), 0, tolerance(type));

  const at::Tensor gateUp = at::randn({rows, 2 * s.intermediate}).to(type);
  at::Tensor out = at::empty({rows, s.intermediate}, type), tout = there(out);
  reference::swigluInto(gateUp, out);
  swigluInto(there(gateUp), tout);
  CHECK_NEAR(error(tout, out), 0, tolerance(type));

  for (const bool norm : {false, true}) {
    RopeStoreInput in;
    in.positions = at::randint(900, {rows}, at::kLong);
    in.slots = at::randperm(rows, at::kLong);
    const at::Tensor angles = at::rand({900, s.headDim / 2}) * 6;
    in.cos = angles.cos();
    in.sin = angles.sin();
    in.keyPages = at::zeros({rows / 16 + 1, 16, s.kvHeads, s.headDim}, type);
    in.valuePages = at::zeros_like(in.keyPages);
    if (norm) {
      in.queryNorm = at::randn({s.headDim}).to(type);
      in.keyNorm = at::randn({s.headDim}).to(type);
    }
    RopeStoreInput moved = in;
    for (at::Tensor* t :
         {&moved.positions, &moved.slots, &moved.cos, &moved.sin, &moved.keyPages, &moved.valuePages})
      *t = t->to(device, /*non_blocking=*/false, /*copy=*/true);
    if (norm) {
      moved.queryNorm = there(in.queryNorm);
      moved.keyNorm = there(in.keyNorm);
    }
    at::Tensor qkv = at::randn({rows, (s.heads + 2 * s.kvHeads) * s.headDim}).to(type);
    at::Tensor tqkv = qkv.to(device, false, true);
    reference::ropeAndStore(qkv, in);
    ropeAndStore(tqkv, moved);
    const int64_t queries = s.heads * s.headDim;
    CHECK_NEAR(error(tqkv.narrow(1, 0, queries), qkv.narrow(1, 0, queries)), 0, tolerance(type));
    CHECK_NEAR(error(moved.keyPages, in.keyPages), 0, tolerance(type));
    CHECK(at::equal(moved.valuePages.to(at::kCPU), in.valuePages));
  }
}

// `groups` prompts of `group` rows each, ragged lengths, half a bucket of padding at the end.
void checkAttention(const Shape& s, at::ScalarType type, int64_t groups, int64_t group, int64_t promptTokens,
                    int64_t ownTokens, int64_t padding) {
  const int64_t rows = groups * group + padding, perRun = maxRowsPerRun(s.heads, s.kvHeads);
  const int64_t promptPages = (promptTokens + 15) / 16, ownPages = (ownTokens + 15) / 16;
  const int64_t total = groups * promptPages + rows * ownPages;
  const at::Tensor order = at::randperm(total, at::kInt);
  GroupedDecodeInput input;
  DecodeAttentionInput& in = input.rows;
  in.keyPages = at::randn({total, 16, s.kvHeads, s.headDim}).to(type);
  in.valuePages = at::randn({total, 16, s.kvHeads, s.headDim}).to(type);
  in.prefixTable = at::cat({order.narrow(0, 0, groups * promptPages).view({groups, promptPages}),
                            at::zeros({1, promptPages}, at::kInt)});
  in.suffixTable = order.narrow(0, groups * promptPages, rows * ownPages).view({rows, ownPages}).contiguous();
  std::vector<int64_t> prefixOf, prefixLength, ownLength, start, count;
  for (int64_t g = 0; g < groups; ++g) prefixLength.push_back(std::max<int64_t>(1, promptTokens - g * 7));
  prefixLength.push_back(0);
  for (int64_t row = 0; row < rows; ++row) {
    prefixOf.push_back(row < groups * group ? row / group : groups);
    ownLength.push_back(std::max<int64_t>(1, ownTokens - row * 5));
    if (row >= groups * group) continue;
    if (row % group == 0 || count.back() == perRun) {
      start.push_back(row);
      count.push_back(0);
    }
    ++count.back();
  }
  in.prefixIndex = ints(prefixOf);
  in.prefixLength = ints(prefixLength);
  in.suffixLength = ints(ownLength);
  in.scale = 1.0 / std::sqrt(static_cast<double>(s.headDim));
  input.runStart = ints(start);
  input.runCount = ints(count);
  const at::Tensor qkv = at::randn({rows, (s.heads + 2 * s.kvHeads) * s.headDim}).to(type);
  const auto query = [&](const at::Tensor& t) {
    return t.narrow(1, 0, s.heads * s.headDim).view({rows, s.heads, s.headDim});
  };
  in.query = query(qkv);
  const at::Tensor expected = reference::decodeAttention(in);

  GroupedDecodeInput moved = input;
  for (at::Tensor* t : {&moved.rows.keyPages, &moved.rows.valuePages, &moved.rows.prefixIndex,
                        &moved.rows.prefixTable, &moved.rows.prefixLength, &moved.rows.suffixTable,
                        &moved.rows.suffixLength, &moved.runStart, &moved.runCount})
    *t = there(*t);
  moved.rows.query = query(there(qkv));
  const at::TensorOptions scratch = at::TensorOptions().device(device).dtype(at::kFloat);
  moved.scratch = at::full({groupedDecodeScratch(rows, s.heads, s.kvHeads, s.headDim)}, NAN, scratch);
  moved.arrived = at::zeros({rows * s.kvHeads}, scratch.dtype(at::kInt));
  for (int repeat = 0; repeat < 3; ++repeat) {  // the counters must be ready again
    at::Tensor out = at::full(expected.sizes(), NAN, scratch.dtype(type));
    groupedDecodeAttention(moved, out);
    CHECK_NEAR(error(out, expected), 0, tolerance(type));
  }
}

void checkSampling(int64_t rows, int64_t vocab, const SamplerOptions& options) {
  const at::Tensor logits = at::randn({rows, vocab}) * 3;
  DecodeState state;
  state.pageSize = 16;
  state.discardSlot = 4096;
  state.tokens = at::zeros({rows}, at::kLong);
  state.positions = at::arange(rows, at::kLong);
  state.slots = at::arange(rows, at::kLong) * 16 + 3;
  state.slots[rows - 1] = state.discardSlot;
  state.streams = at::arange(rows, at::kLong);
  state.steps = at::arange(rows, at::kLong) + 4;
  state.suffixLength = at::full({rows}, 4, at::kInt);
  state.suffixTable = at::arange(rows, at::kInt).unsqueeze(1).contiguous();
  DecodeState moved = state;
  for (at::Tensor* t : {&moved.tokens, &moved.positions, &moved.slots, &moved.streams, &moved.steps,
                        &moved.suffixLength, &moved.suffixTable})
    *t = t->to(device, false, /*copy=*/true);
  at::Tensor logprobs = at::empty({rows}), got = at::empty({rows}, at::TensorOptions().device(device));
  reference::sampleAdvance({logits, {}, {}, {}, options, 7}, state, logprobs);
  at::Tensor parameters = samplerParameters(device);
  setSamplerParameters(parameters, options, 7);
  sampleAdvance({there(logits), parameters, at::empty({sampleScratch(rows)}, got.options()),
                 at::zeros({rows}, got.options().dtype(at::kInt)), options, 7},
                moved, got);
  // A uniform number within rounding of a boundary may pick the neighbour: one row in ten thousand or so.
  const at::Tensor same = moved.tokens.to(at::kCPU).eq(state.tokens);
  CHECK(rows - same.sum().item<int64_t>() <= (options.temperature == 0 ? 0 : 1));
  CHECK_NEAR(error(got.to(at::kCPU).masked_select(same), logprobs.masked_select(same)), 0, 1e-4);
  CHECK(at::equal(moved.positions.to(at::kCPU), state.positions) &&
        at::equal(moved.slots.to(at::kCPU), state.slots) &&
        at::equal(moved.suffixLength.to(at::kCPU), state.suffixLength));
}

// Training's kernels through their dispatchers.
void checkTraining(const Shape& s, at::ScalarType type) {
  const int64_t tokens = 168;
  const at::Tensor q = at::randn({tokens, s.heads, s.headDim}).to(type),
                   k = at::randn({tokens, s.kvHeads, s.headDim}).to(type),
                   v = at::randn({tokens, s.kvHeads, s.headDim}).to(type), dOut = at::randn_like(q);
  // Prefixes first, then completions, each run adjacent.
  const std::vector<Segment> ordered = {{0, 70, -1}, {70, 64, -1}, {134, 33, 0}, {167, 1, 0}};
  const double scale = 1.0 / std::sqrt(static_cast<double>(s.headDim));
  at::Tensor lse, expectedLse, dq, dk, dv, eq, ek, ev;
  const at::Tensor expected = reference::packedAttention(q, k, v, ordered, scale, expectedLse);
  const at::Tensor out = packedAttention(there(q), there(k), there(v), ordered, scale, lse);
  CHECK_NEAR(error(out, expected), 0, tolerance(type));
  CHECK_NEAR(error(lse, expectedLse), 0, tolerance(type));
  reference::packedAttentionBackward(dOut, q, k, v, expected, expectedLse, ordered, scale, eq, ek, ev);
  packedAttentionBackward(there(dOut), there(q), there(k), there(v), out, lse, ordered, scale, dq, dk, dv);
  CHECK_NEAR(error(dq, eq), 0, 4 * tolerance(type));
  CHECK_NEAR(error(dk, ek), 0, 4 * tolerance(type));
  CHECK_NEAR(error(dv, ev), 0, 4 * tolerance(type));

  const at::Tensor hidden = at::randn({50, 64}).to(type), head = at::randn({3000, 64}).to(type) * 0.3;
  const at::Tensor rows = at::randint(50, {80}, at::kLong), target = at::randint(3000, {80}, at::kLong);
  const at::Tensor dLogprobs = at::randn({80});
  at::Tensor dHead = at::zeros({3000, 64}), expectedHead = at::zeros({3000, 64}), movedHead = there(dHead);
  const LogprobHeadOutput cpu = logprobHead(hidden, rows, target, head, 0.9, 32);
  const LogprobHeadOutput got = logprobHead(there(hidden), there(rows), there(target), there(head), 0.9, 32);
  CHECK_NEAR(error(got.logprobs, cpu.logprobs), 0, 1e-3);
  CHECK_NEAR(error(got.entropy, cpu.entropy), 0, 1e-3);
  const at::Tensor dHidden =
      logprobHeadBackward(dLogprobs, hidden, rows, target, head, 0.9, 32, expectedHead);
  const at::Tensor gotHidden = logprobHeadBackward(there(dLogprobs), there(hidden), there(rows),
                                                   there(target), there(head), 0.9, 32, movedHead);
  CHECK_NEAR(error(gotHidden, dHidden), 0, 2 * tolerance(type));
  CHECK_NEAR(error(movedHead, expectedHead), 0, 2 * tolerance(type));
}

}  // namespace

// With an argument: small sizes only (for compute-sanitizer, which is slow).
int main(int argc, char**) {
  at::manual_seed(4);
  device = parseDevice("auto");
  const bool real = device.is_cuda() && argc == 1;
  std::vector<Shape> shapes = {{"small", 100, 96, 4, 2, 20}, {"Qwen2.5-0.5B", 896, 4864, 14, 2, 64}};
  if (real) {
    shapes.push_back({"Qwen2.5-1.5B", 1536, 8960, 12, 2, 128});
    shapes.push_back({"Qwen2.5-3B", 2048, 11008, 16, 2, 128});
    shapes.push_back({"Llama-3.2-3B", 3072, 8192, 24, 8, 128});
  }
  for (const Shape& shape : shapes)
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const int before = check::failed;
      checkElementwise(shape, type, real ? 33 : 3);
      checkAttention(shape, type, 1, 1, 100, 70, 0);
      checkAttention(shape, type, 2, 3, 70, 40, 2);
      if (real) {
        checkAttention(shape, type, 4, 8, 700, 400, 0);
        checkAttention(shape, type, 3, 24, 300, 500, 24);
        checkAttention(shape, type, 64, 4, 100, 200, 0);
      }
      checkTraining(shape, type);
      std::printf("%s %s: %s\n", shape.name, at::toString(type),
                  check::failed == before ? "agrees" : "FAILED");
    }
  for (const int64_t vocab : {int64_t{1360}, real ? int64_t{151936} : int64_t{5000}})
    for (const int64_t rows : {1, 5, 32}) {
      for (const SamplerOptions& options : {SamplerOptions{0.0}, SamplerOptions{1.0}, SamplerOptions{0.7}})
        checkSampling(rows, vocab, options);
      checkSampling(rows, vocab, {1.0, 50});
    }
  const int status = check::report();
  if (device.is_cuda() || status != 0) return status;
  std::printf("skipped: no CUDA device; the CPU was compared with itself\n");
  return 77;
}
