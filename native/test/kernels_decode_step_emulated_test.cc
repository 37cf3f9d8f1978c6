// The norm, rope, SwiGLU and sampling kernels of the decode step, compiled as C++ and run on the CPU, against
// their references.
#include "emulated_kernels.h"
#include "kernels/decode_fused.cu"
#include "kernels/decode_fused.h"
#include "kernels/sample_advance.cu"
#include "kernels/sample_advance.h"
#include "kernels/sampler.cu"

namespace {
using namespace toolr0;
using check::data;

// One rounding in bf16 (2^-8 relative, values to about 4), 1e-5 in fp32.
template <typename T>
double tolerance() {
  return std::is_same_v<T, float> ? 1e-5 : 1.6e-2;
}

template <typename T>
void checkNorms() {
  const at::ScalarType type = check::scalarType<T>();
  for (const int64_t n : {4, 12, 64, 100, 896, 1536, 2048, 9000}) {
    const int64_t rows = 3;
    if (n > emulated_cuda::maxNormLength<T>(n)) continue;
    const at::Tensor table = at::randn({7, n}).to(type), weight = at::randn({n}).to(type);
    const at::Tensor tokens = at::tensor({6L, 0L, 6L}, at::kLong);
    at::Tensor x = at::empty({rows, n}, type), normed = at::empty({rows, n}, type),
               copied = at::empty({rows, n}, type);
    reference::embedRmsNorm(tokens, table, weight, 1e-6, x, normed);
    const at::Tensor embedded = check::inBothOrders([&] {
      at::Tensor out = at::full({rows, n}, NAN, type);
      emulated_cuda::launchNorm(data<const T>(table), data<const int64_t>(tokens), data<const T>(weight),
                                1e-6f, data<T>(copied), data<T>(out), rows, n, nullptr);
      return out;
    });
    CHECK(at::equal(copied, x));
    CHECK_NEAR(check::relativeError(embedded, normed), 0, tolerance<T>());
    const at::Tensor plain = check::inBothOrders([&] {
      at::Tensor out = at::full({rows, n}, NAN, type);
      emulated_cuda::launchNorm<T>(data<const T>(x), nullptr, data<const T>(weight), 1e-6f, nullptr,
                                   data<T>(out), rows, n, nullptr);
      return out;
    });
    CHECK(at::equal(plain, embedded));
  }
}

template <typename T>
void checkRopeStore(int64_t heads, int64_t kvHeads, int64_t headDim, bool norm) {
  const at::ScalarType type = check::scalarType<T>();
  const int64_t rows = 5;
  RopeStoreInput in;
  in.positions = at::tensor({0L, 3L, 77L, 12L, 0L}, at::kLong);
  in.slots = at::tensor({5L, 16L, 33L, 47L, 48L}, at::kLong);  // the last one: the discard page
  const at::Tensor angles = at::rand({100, headDim / 2}) * 6;
  in.cos = angles.cos();
  in.sin = angles.sin();
  if (norm) {
    in.queryNorm = at::randn({headDim}).to(type);
    in.keyNorm = at::randn({headDim}).to(type);
  }
  const at::Tensor pages = at::randn({4, 16, kvHeads, headDim}).to(type);
  const at::Tensor start = at::randn({rows, (heads + 2 * kvHeads) * headDim}).to(type);
  at::Tensor expected = start.clone();
  in.keyPages = pages.clone();
  in.valuePages = pages.clone();
  reference::ropeAndStore(expected, in);
  at::Tensor keys, values;
  const at::Tensor rotated = check::inBothOrders([&] {
    keys = pages.clone();
    values = pages.clone();
    at::Tensor qkv = start.clone();
    const emulated_cuda::RopeStorePointers<T> pointers{data<const int64_t>(in.positions),
                                                       data<const int64_t>(in.slots),
                                                       data<const float>(in.cos),
                                                       data<const float>(in.sin),
                                                       norm ? data<const T>(in.queryNorm) : nullptr,
                                                       norm ? data<const T>(in.keyNorm) : nullptr,
                                                       data<T>(keys),
                                                       data<T>(values),
                                                       static_cast<int>(heads),
                                                       static_cast<int>(kvHeads),
                                                       static_cast<int>(headDim),
                                                       1e-6f};
    emulated_cuda::launchRopeStore(data<T>(qkv), pointers, rows, nullptr);
    return qkv;
  });
  // Keys are rotated on their way to their pages only; the reference also rotates them in place.
  CHECK_NEAR(
      check::relativeError(rotated.narrow(1, 0, heads * headDim), expected.narrow(1, 0, heads * headDim)), 0,
      tolerance<T>());
  CHECK_NEAR(check::relativeError(keys, in.keyPages), 0, tolerance<T>());
  CHECK(at::equal(values, in.valuePages));
}

template <typename T>
void checkSwiglu() {
  for (const int64_t n : {1, 8, 31, 96, 4864}) {
    const at::Tensor gateUp = (at::randn({3, 2 * n}) * 3).to(check::scalarType<T>());
    at::Tensor expected = at::empty({3, n}, gateUp.options());
    reference::swigluInto(gateUp, expected);
    const at::Tensor out = check::inBothOrders([&] {
      at::Tensor result = at::full({3, n}, NAN, gateUp.options());
      emulated_cuda::launchSwigluPack(data<const T>(gateUp), data<T>(result), 3, n, nullptr);
      return result;
    });
    CHECK_NEAR(check::relativeError(out, expected), 0, tolerance<T>());
  }
}

// A state of live rows at different places of their pages, the last row padding.
DecodeState randomState(int64_t rows) {
  DecodeState state;
  state.pageSize = 16;
  state.discardSlot = 1600;
  state.tokens = at::zeros({rows}, at::kLong);
  state.positions = at::arange(rows) + 40;
  state.streams = at::arange(rows) * 3;
  state.steps = at::arange(rows) + 7;
  state.suffixLength = (at::arange(rows) * 5 % 47 + 1).to(at::kInt);
  state.suffixLength[0] = 16;  // the next token begins a page
  state.suffixLength[1] = 48;  // the table ends
  state.suffixTable = at::randint(0, 100, {rows, 3}, at::kInt);
  const at::Tensor index = state.suffixLength.to(at::kLong) - 1;
  state.slots =
      state.suffixTable.gather(1, at::floor_divide(index, 16).unsqueeze(1)).squeeze(1).to(at::kLong) * 16 +
      index.remainder(16);
  state.slots[rows - 1] = state.discardSlot;
  return state;
}
DecodeState copyOf(const DecodeState& s) {
  return {s.tokens.clone(),       s.positions.clone(), s.slots.clone(), s.streams,    s.steps.clone(),
          s.suffixLength.clone(), s.suffixTable,       s.pageSize,      s.discardSlot};
}

struct Sampled {
  DecodeState state;
  at::Tensor logprobs;
};
Sampled emulate(const at::Tensor& logits, const SamplerOptions& options, const DecodeState& from,
                int64_t splits) {
  const int64_t rows = logits.size(0), vocab = logits.size(1);
  Sampled out{copyOf(from), {}};
  at::Tensor parameters = samplerParameters(at::kCPU);
  setSamplerParameters(parameters, options, 99);
  const at::Tensor parts = at::full({rows * kMaxSampleSplits * kSampleSplitFloats}, NAN, at::kFloat);
  const at::Tensor arrived = at::zeros({rows}, at::kInt);
  out.logprobs = check::inBothOrders([&] {
    out.state = copyOf(from);
    DecodeState& s = out.state;
    const emulated_cuda::DecodeStatePointers pointers{data<int64_t>(s.tokens),
                                                      data<int64_t>(s.positions),
                                                      data<int64_t>(s.slots),
                                                      data<const int64_t>(s.streams),
                                                      data<int64_t>(s.steps),
                                                      data<int32_t>(s.suffixLength),
                                                      data<const int32_t>(s.suffixTable),
                                                      s.suffixTable.size(1),
                                                      s.pageSize,
                                                      s.discardSlot};
    at::Tensor logprobs = at::zeros({rows});
    const auto* words = data<const int64_t>(parameters);
    if (filtersTokens(options)) {
      emulated_cuda::launchFilteredSampleAdvance(data<const float>(logits), words, pointers,
                                                 data<float>(logprobs), rows, vocab, nullptr);
    } else {
      emulated_cuda::launchSampleAdvance(data<const float>(logits), words, pointers, data<float>(logprobs),
                                         data<float>(parts), data<int>(arrived), rows, vocab, splits,
                                         nullptr);
      CHECK(arrived.eq(0).all().item<bool>());
    }
    return logprobs;
  });
  return out;
}

// fp32 sums of thousands of weights: log-probabilities to 2e-5. The uniform number may fall within rounding
// of a boundary between two tokens: with these seeds it does not.
void checkSampling(const SamplerOptions& options, int64_t vocab, const std::vector<int64_t>& splits) {
  const int64_t rows = 7;
  const at::Tensor logits = at::randn({rows, vocab}) * 3;
  if (vocab > 40) {  // whole stretches without any chance
    logits.narrow(1, 8, vocab / 2).fill_(-INFINITY);
    logits.select(1, vocab - 1).fill_(logits.max().item<double>());
    logits.select(1, vocab - 2).fill_(logits.max().item<double>());  // a tie
  }
  const DecodeState from = randomState(rows);
  DecodeState expected = copyOf(from);
  at::Tensor logprobs = at::empty({rows});
  reference::sampleAdvance({logits, {}, {}, {}, options, 99}, expected, logprobs);
  for (const int64_t count : splits) {
    const Sampled got = emulate(logits, options, from, count);
    CHECK(at::equal(got.state.tokens, expected.tokens));
    CHECK(at::equal(got.state.positions, expected.positions) && at::equal(got.state.steps, expected.steps));
    CHECK(at::equal(got.state.suffixLength, expected.suffixLength));
    CHECK(at::equal(got.state.slots, expected.slots));
    CHECK_NEAR(check::relativeError(got.logprobs, logprobs), 0, 2e-5);
  }
}

void checkInvalidLogits() {
  for (const double bad : {double(NAN), double(INFINITY)})
    for (const SamplerOptions& options :
         {SamplerOptions{1.0}, SamplerOptions{0.0}, SamplerOptions{1.0, 5, 0.9, 0.0}}) {
      at::Tensor logits = at::randn({3, 3000});
      logits[1][2900] = bad;
      const Sampled got = emulate(logits, options, randomState(3), 3);
      CHECK(std::isnan(got.logprobs[1].item<double>()) && !std::isnan(got.logprobs[0].item<double>()) &&
            !std::isnan(got.logprobs[2].item<double>()));
      CHECK(got.state.tokens.ge(0).all().item<bool>() && got.state.tokens.lt(3000).all().item<bool>());
    }
  const Sampled nothing = emulate(at::full({2, 3000}, -INFINITY), {1.0}, randomState(2), 3);
  CHECK(nothing.logprobs.isnan().all().item<bool>() && nothing.state.tokens.lt(3000).all().item<bool>());
}

}  // namespace

int main() {
  if (check::emulationIsOff()) return 77;
  at::manual_seed(5);
  checkNorms<float>();
  checkNorms<__nv_bfloat16>();
  for (const bool norm : {false, true})
    for (const int64_t headDim : {8, 20, 64, 128, 256}) {
      checkRopeStore<float>(5, 1, headDim, norm);
      checkRopeStore<__nv_bfloat16>(14, 2, headDim, norm);
    }
  checkSwiglu<float>();
  checkSwiglu<__nv_bfloat16>();
  static_assert(sizeof(emulated_cuda::Slice) == kSampleSplitFloats * sizeof(float));
  for (const double temperature : {1.0, 0.7, 0.0}) {
    checkSampling({temperature}, 5003, {1, 3, 4});
    checkSampling({temperature}, 33, {1});
    checkSampling({temperature}, 1, {1});
  }
  checkSampling({1.0}, 151936, {32});
  checkSampling({1.0, 50}, 5003, {1});
  checkSampling({0.8, 0, 0.9}, 5003, {1});
  checkSampling({1.0, 0, 1.0, 0.1}, 5003, {1});
  checkInvalidLogits();
  return check::report();
}
