// The sampler against a plain restatement of its rules, against the ATen reference, and against the
// distribution itself.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "check.h"  // last: it replaces c10's CHECK
#include "kernels/philox.h"
#include "kernels/sampler.h"
#include "runtime/error.h"

namespace {
using toolr0::SamplerOptions;

struct Drawn {
  at::Tensor tokens, logprobs;
};
Drawn draw(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, int64_t firstStream = 0,
           int64_t step = 0) {
  Drawn result;
  const at::Tensor streams = at::arange(firstStream, firstStream + logits.size(0), at::kLong);
  toolr0::sample(logits, options, seed, streams, at::full({logits.size(0)}, step, at::kLong), result.tokens,
                 result.logprobs);
  return result;
}

// Probabilities after the filters, as transformers' logits processors define them, in double.
std::vector<double> filtered(const float* x, int64_t n, const SamplerOptions& options) {
  std::vector<double> score(x, x + n);
  for (double& s : score) s /= options.temperature;
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return score[a] > score[b]; });
  const double best = score[order[0]], none = -std::numeric_limits<double>::infinity();
  const auto probabilities = [&] {
    std::vector<double> p(n);
    double total = 0;
    for (int64_t i = 0; i < n; ++i) total += p[i] = std::exp(score[i] - best);
    for (double& v : p) v /= total;
    return p;
  };
  if (options.topK > 0 && options.topK < n) {
    const double kth = score[order[options.topK - 1]];
    for (double& s : score)
      if (s < kth) s = none;
  }
  std::vector<double> p = probabilities();
  double mass = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (i > 0 && mass >= options.topP) score[order[i]] = none;
    mass += p[order[i]];
  }
  p = probabilities();
  for (int64_t i = 0; i < n; ++i)
    if (p[i] < options.minP * p[order[0]]) score[i] = none;
  return probabilities();
}

void checkAgainstRules() {
  // fp32 of numbers up to 20; at a top-p edge in a flat tail, rounding may keep one more token of weight
  // 1e-6.
  const double tolerance = 4e-6;
  const std::vector<SamplerOptions> all = {{1.0, 0, 1.0, 0.0},   {0.7, 0, 1.0, 0.0},    {1.0, 1, 1.0, 0.0},
                                           {1.3, 40, 1.0, 0.0},  {1.0, 0, 0.9, 0.0},    {1.0, 0, 0.05, 0.0},
                                           {1.0, 0, 0.999, 0.0}, {1.0, 0, 1.0, 0.1},    {0.6, 20, 0.95, 0.0},
                                           {1.5, 50, 0.8, 0.05}, {2.0, 5000, 0.5, 0.2}, {1.0, 0, 1.0, 1.0}};
  for (int64_t vocab : {1, 5, 16, 300, 1360, 4099}) {
    const at::Tensor logits = at::randn({64, vocab}) * 3;
    for (const SamplerOptions& options : all) {
      const Drawn fast = draw(logits, options, 11, 0, 3);
      Drawn reference;
      toolr0::reference::sample(logits, options, 11, at::arange(64, at::kLong), at::full({64}, 3, at::kLong),
                                reference.tokens, reference.logprobs);
      CHECK(fast.tokens.equal(reference.tokens));
      CHECK_NEAR((fast.logprobs - reference.logprobs).abs().max().item<double>(), 0, tolerance);
      int wrong = 0;
      double worst = 0;
      for (int64_t b = 0; b < 64; ++b) {
        const std::vector<double> p = filtered(logits.const_data_ptr<float>() + b * vocab, vocab, options);
        const double u = toolr0::philoxUniform(11, b, 3);
        int64_t expected = 0;
        double sum = 0;
        for (int64_t i = 0; i < vocab; ++i) {
          if (p[i] > 0) expected = i;
          if ((sum += p[i]) > u) break;
        }
        const auto token = fast.tokens[b].item<int64_t>();
        wrong += token != expected;
        worst = std::max(worst, std::abs(std::log(p[expected]) - fast.logprobs[b].item<double>()));
      }
      CHECK(wrong == 0);
      CHECK_NEAR(worst, 0, tolerance);
    }
  }
}

// Pearson's statistic of 20000 draws over 40 tokens, each kept token expected at least 5 times; the 0.999
// quantile of chi-square with f degrees of freedom is about f + 3.09 sqrt(2f) + 4 (Wilson–Hilferty, rounded
// up). The seed is fixed.
void checkFrequencies(const SamplerOptions& options) {
  const int64_t vocab = 40, draws = 20000;
  const at::Tensor logits = at::randn({1, vocab});
  const Drawn drawn = draw(logits.expand({draws, vocab}), options, 2024, 500, 9);
  const at::Tensor counts = at::bincount(drawn.tokens, {}, vocab);
  const std::vector<double> p = filtered(logits.const_data_ptr<float>(), vocab, options);
  double statistic = 0;
  int64_t freedom = -1;
  for (int64_t i = 0; i < vocab; ++i) {
    const auto seen = counts[i].item<double>(), expected = p[i] * draws;
    if (p[i] == 0) {
      CHECK(seen == 0);
      continue;
    }
    CHECK(expected > 5);
    statistic += (seen - expected) * (seen - expected) / expected;
    ++freedom;
  }
  CHECK(freedom >= 1);
  CHECK(statistic < freedom + 3.09 * std::sqrt(2.0 * freedom) + 4);
}

void checkGreedy() {
  at::Tensor logits = at::randn({4, 1000});
  logits[0][17] = 9;
  logits[0][990] = 9;  // a tie: the lowest id wins
  logits[1].fill_(0);
  logits[2][999] = 50;
  logits[3].fill_(-std::numeric_limits<float>::infinity());
  logits[3][500] = -3;
  const Drawn drawn = draw(logits, {0.0, 3, 0.5, 0.5}, 1);
  CHECK(drawn.tokens.equal(at::tensor({17L, 0L, 999L, 500L}, at::kLong)));
  const at::Tensor expected =
      at::log_softmax(logits.to(at::kDouble), 1).gather(1, drawn.tokens.unsqueeze(1)).squeeze(1);
  CHECK_NEAR((drawn.logprobs - expected).abs().max().item<double>(), 0, 1e-6);
  Drawn reference;
  toolr0::reference::sample(logits, {0.0}, 1, at::arange(4, at::kLong), at::zeros({4}, at::kLong),
                            reference.tokens, reference.logprobs);
  CHECK(drawn.tokens.equal(reference.tokens));
  // A temperature next to 0 is greedy as well, with probability 1.
  const Drawn cold = draw(logits.narrow(0, 2, 2), {1e-300}, 1);
  CHECK(cold.tokens.equal(at::tensor({999L, 500L}, at::kLong)) &&
        cold.logprobs.abs().max().item<double>() == 0);
}

void checkRowsAreIndependent() {
  const at::Tensor logits = at::randn({33, 1360});
  const Drawn together = draw(logits, {1.0, 0, 0.95, 0.0}, 5, 100, 7);
  bool same = true;
  for (int64_t b = 0; b < 33; ++b) {
    const Drawn alone = draw(logits.narrow(0, b, 1), {1.0, 0, 0.95, 0.0}, 5, 100 + b, 7);
    same = same && alone.tokens[0].equal(together.tokens[b]) && alone.logprobs[0].equal(together.logprobs[b]);
  }
  CHECK(same);
  CHECK(!draw(logits, {}, 5, 100, 8).tokens.equal(draw(logits, {}, 5, 100, 7).tokens));
  CHECK(!draw(logits, {}, 6, 100, 7).tokens.equal(draw(logits, {}, 5, 100, 7).tokens));
}

void checkErrors() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor good = at::zeros({3, 50});
  CHECK_ERROR(draw(good, {-0.1}, 1), toolr0::kConfigError, "temperature");
  CHECK_ERROR(draw(good, {nan}, 1), toolr0::kConfigError, "temperature");
  CHECK_ERROR(draw(good, {1.0, -1}, 1), toolr0::kConfigError, "topK");
  CHECK_ERROR(draw(good, {1.0, 0, 0.0}, 1), toolr0::kConfigError, "topP");
  CHECK_ERROR(draw(good, {1.0, 0, 1.01}, 1), toolr0::kConfigError, "topP");
  CHECK_ERROR(draw(good, {1.0, 0, nan}, 1), toolr0::kConfigError, "topP");
  CHECK_ERROR(draw(good, {1.0, 0, 1.0, 1.5}, 1), toolr0::kConfigError, "minP");
  const double infinity = std::numeric_limits<double>::infinity();
  for (double temperature : {0.0, 1.0}) {
    for (int64_t column : {3, 49}) {
      for (double value : {nan, infinity}) {
        at::Tensor bad = good.clone();
        bad[2][column] = value;
        CHECK_ERROR(draw(bad, {temperature}, 1), toolr0::kNumericError, "row 2");
        at::Tensor tokens, logprobs;
        CHECK_ERROR(toolr0::reference::sample(bad, {temperature}, 1, at::zeros({3}, at::kLong),
                                              at::zeros({3}, at::kLong), tokens, logprobs),
                    toolr0::kNumericError, "row 2");
      }
    }
    CHECK_ERROR(draw(at::full({1, 50}, -infinity), {temperature}, 1), toolr0::kNumericError, "row 0");
  }
}

}  // namespace

int main() {
  at::manual_seed(3);
  checkAgainstRules();
  checkFrequencies({});
  checkFrequencies({0.8});
  checkFrequencies({1.0, 12});
  checkFrequencies({1.0, 0, 0.8});
  checkFrequencies({1.0, 0, 1.0, 0.2});
  checkGreedy();
  checkRowsAreIndependent();
  checkErrors();
  return check::report();
}
