// Row kernels, chunked head, AdamW and group advantages against their ATen references and against autograd.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "check.h"
#include "kernels/adamw.h"
#include "kernels/group_advantages.h"
#include "kernels/logprob_head.h"
#include "runtime/error.h"

using namespace toolr0;

namespace {

double maxDifference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

void rowKernelsMatchReference() {
  for (int64_t vocab : {1, 7, 8, 100, 1360, 20003}) {
    at::Tensor logits = at::randn({5, vocab}) * 8;
    logits[1].fill_(3.0);  // uniform
    if (vocab > 8) logits[2].slice(0, 3, 8).fill_(-std::numeric_limits<float>::infinity());
    logits[3] += 500;  // large offset
    const at::Tensor target = at::randint(0, std::min<int64_t>(vocab, 3), {5}, at::kLong);
    at::Tensor a = at::empty({5}), ae = at::empty({5}), al = at::empty({5}), b = at::empty({5}, at::kDouble),
               be = at::empty({5}, at::kDouble), bl = at::empty({5}, at::kDouble);
    logitsToLogprob(logits, target, a, ae, al);
    const at::Tensor wide = logits.to(at::kDouble).masked_fill(logits.isinf(), -1e4);
    reference::logitsToLogprob(wide, target, b, be, bl);
    CHECK_NEAR(maxDifference(a, b), 0, 1e-5);
    CHECK_NEAR(maxDifference(ae, be), 0, 1e-5);
    CHECK_NEAR(maxDifference(al, bl), 0, 4e-5);
    const at::Tensor d = at::randn({5});
    at::Tensor g = logits.clone(), h = wide.clone();
    logprobToLogitsGradient(g, target, al, d);
    reference::logprobToLogitsGradient(h, target, bl, d.to(at::kDouble));
    CHECK_NEAR(maxDifference(g, h), 0, 1e-4);
    CHECK_NEAR(g.sum().item<double>(), 0, 1e-3);
  }
  at::Tensor logits = at::zeros({1, 4}), out = at::empty({1}), e = at::empty({1}), l = at::empty({1});
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    at::Tensor poisoned = at::zeros({1, 40});
    poisoned[0][17] = bad;
    logitsToLogprob(poisoned, at::tensor({int64_t{3}}), out, e, l);
    CHECK(std::isnan(out.item<float>()) && std::isnan(e.item<float>()));
  }
  bool threw = false;
  try {
    logitsToLogprob(logits, at::tensor({int64_t{4}}), out, e, l);
  } catch (const c10::IndexError&) {
    threw = true;
  }
  CHECK(threw);
}

void headMatchesClosedForm() {
  const int64_t vocab = 37, width = 11, tokens = 6;
  const at::Tensor hidden = at::randn({tokens, width}), lmHead = at::randn({vocab, width});
  const at::Tensor row =
      at::tensor({int64_t{0}, int64_t{2}, int64_t{2}, int64_t{2}, int64_t{5}, int64_t{1}, int64_t{4}});
  const at::Tensor target = at::randint(0, vocab, {7}, at::kLong), d = at::randn({7});
  const double temperature = 0.7;
  at::Tensor whole;
  for (int64_t chunk : {1, 3, 100}) {
    const LogprobHeadOutput out = logprobHead(hidden, row, target, lmHead, temperature, chunk);
    const at::Tensor logp =
        at::log_softmax(at::mm(hidden.index_select(0, row), lmHead.t()).to(at::kDouble) / temperature, 1);
    CHECK_NEAR(maxDifference(out.logprobs, logp.gather(1, target.unsqueeze(1)).squeeze(1)), 0, 1e-5);
    CHECK_NEAR(maxDifference(out.entropy, (logp.exp() * logp).sum(1).neg()), 0, 1e-5);
    at::Tensor dLmHead = at::ones({vocab, width}), again = at::ones({vocab, width}),
               fused = at::ones({vocab, width});
    const at::Tensor dHidden =
        logprobHeadBackward(d, hidden, row, target, lmHead, temperature, chunk, dLmHead, out.lse);
    const at::Tensor dHidden2 =
        logprobHeadBackward(d, hidden, row, target, lmHead, temperature, chunk, again);
    at::Tensor dHidden3;
    const LogprobHeadOutput out3 =
        logprobHeadForwardBackward(d, hidden, row, target, lmHead, temperature, chunk, dHidden3, fused);
    at::Tensor g = logp.exp().neg();
    g.scatter_add_(1, target.unsqueeze(1), at::ones({7, 1}, at::kDouble));
    g = g * d.to(at::kDouble).unsqueeze(1) / temperature;
    const at::Tensor wantLmHead =
        g.t().mm(hidden.index_select(0, row).to(at::kDouble)) + 1;  // added into ones
    at::Tensor wantHidden = at::zeros({tokens, width}, at::kDouble);
    wantHidden.index_add_(0, row, g.mm(lmHead.to(at::kDouble)));
    CHECK_NEAR(maxDifference(dLmHead, wantLmHead), 0, 1e-4);
    CHECK_NEAR(maxDifference(dHidden, wantHidden), 0, 1e-4);
    CHECK_NEAR(maxDifference(dHidden2, dHidden), 0, 1e-5);
    CHECK_NEAR(maxDifference(dHidden3, dHidden), 0, 1e-5);
    CHECK_NEAR(maxDifference(fused, dLmHead), 0, 1e-5);
    CHECK_NEAR(maxDifference(out3.logprobs, out.logprobs), 0, 1e-6);
  }
  const auto half = at::kBFloat16;
  at::Tensor dLmHead = at::zeros({vocab, width});
  const LogprobHeadOutput rounded = logprobHead(hidden.to(half), row, target, lmHead.to(half), 1.0, 4);
  const LogprobHeadOutput exact =
      logprobHead(hidden.to(half).to(at::kFloat), row, target, lmHead.to(half).to(at::kFloat), 1.0, 4);
  CHECK(rounded.logprobs.scalar_type() == at::kFloat);
  CHECK_NEAR(maxDifference(rounded.logprobs, exact.logprobs), 0, 1e-5);
  const at::Tensor dHidden =
      logprobHeadBackward(d, hidden.to(half), row, target, lmHead.to(half), 1.0, 4, dLmHead);
  CHECK(dHidden.scalar_type() == half && dLmHead.scalar_type() == at::kFloat);
  CHECK_ERROR(logprobHead(hidden, row, target, lmHead, 0.0, 4), kConfigError, "temperature");
}

void adamwMatchesReference() {
  at::Tensor p = at::randn({70001}), m = at::zeros_like(p), v = at::zeros_like(p), none,
             half = p.to(at::kBFloat16);
  at::Tensor rp = p.to(at::kDouble), rm = m.to(at::kDouble), rv = v.to(at::kDouble);
  for (int64_t step = 1; step <= 5; ++step) {
    const at::Tensor g = at::randn_like(p);
    const AdamWOptions options{1e-2, 0.9, 0.98, 1e-8, 0.1, 0.5, step};
    adamwStep(p, m, v, g, half, options);
    reference::adamwStep(rp, rm, rv, g.to(at::kDouble), none, options);
  }
  CHECK_NEAR(maxDifference(p, rp), 0, 2e-6);
  CHECK_NEAR(maxDifference(m, rm), 0, 1e-6);
  CHECK_NEAR(maxDifference(v, rv), 0, 1e-6);
  CHECK(half.equal(p.to(at::kBFloat16)));
}

void groupAdvantagesRules() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  at::Tensor std;
  const at::Tensor r = at::tensor({0.7f, 0.7f, 0.7f, 0.7f, 1.0f, nan, 0.0f, nan, nan, nan, 0.3f, nan});
  const at::Tensor a = groupAdvantages(r, 4, true, std);
  for (int i = 0; i < 4; ++i) CHECK(a[i].item<float>() == 0.0f && std[i].item<float>() == 0.0f);
  CHECK_NEAR(std[4].item<float>(), std::sqrt(0.5), 1e-6);
  CHECK_NEAR(a[4].item<float>(), 0.5 / (std::sqrt(0.5) + 1e-4), 1e-6);
  CHECK_NEAR(a[6].item<float>(), -0.5 / (std::sqrt(0.5) + 1e-4), 1e-6);
  for (int i : {5, 7, 8, 9, 10, 11}) CHECK(a[i].item<float>() == 0.0f);
  CHECK(std::isnan(std[10].item<float>()));
  const at::Tensor alone = groupAdvantages(at::tensor({0.5f, nan}), 1, true, std);
  CHECK(alone.eq(0).all().item<bool>() && std.eq(0).all().item<bool>());
  const at::Tensor unscaled = groupAdvantages(at::tensor({1.0, 0.0}, at::kDouble), 2, false, std);
  CHECK(unscaled[0].item<double>() == 0.5 && unscaled.scalar_type() == at::kDouble);
  CHECK_ERROR(groupAdvantages(at::zeros({5}), 2, true, std), kConfigError, "groups of 2");
}

}  // namespace

int main() {
  at::manual_seed(1);
  c10::NoGradGuard noGrad;
  rowKernelsMatchReference();
  headMatchesClosedForm();
  adamwMatchesReference();
  groupAdvantagesRules();
  return check::report();
}
