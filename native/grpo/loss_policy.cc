// One function per family of loss types. All return -(something) * A per token, before any mask.
#include <cmath>

#include "grpo/loss_terms.h"

namespace toolr0 {
namespace {

// grpo, bnpo, dr_grpo, dapo, luspo: PPO's clipped surrogate; `delta` bounds the unclipped branch too
// (INTELLECT-2).
PolicyLoss clippedSurrogate(const PolicyTerms& t, const LossOptions& options) {
  const at::Tensor clipped =
      t.ratio.clamp(1 - options.epsilon, 1 + options.epsilonHigh.value_or(options.epsilon));
  const at::Tensor ratio = options.delta ? t.ratio.clamp_max(*options.delta) : t.ratio;
  return {at::minimum(ratio * t.advantages, clipped * t.advantages).neg(), ratio.detach(), {}};
}

// CISPO (MiniMax-M1): the truncated ratio is a constant weight, the gradient goes through logp alone.
PolicyLoss cispo(const PolicyTerms& t, const LossOptions& options) {
  const at::Tensor weight = t.ratio.detach().clamp_max(options.epsilonHigh.value_or(options.epsilon));
  return {(weight * t.advantages * t.logps).neg(), t.ratio.detach(), {}};
}

// SAPO (Qwen): a sigmoid gate in place of the clip, sharper for negative advantages.
PolicyLoss sapo(const PolicyTerms& t, const LossOptions& options) {
  // TRL holds tau in fp32 whatever the precision of the rest; kept, since a loss near 0 shows the 5e-8 of
  // difference.
  const at::Tensor tau =
      at::zeros_like(t.advantages)
          .fill_(static_cast<float>(options.sapoTauNeg))
          .masked_fill(t.advantages.gt(0), static_cast<float>(options.sapoTauPos));  // [rows, 1]
  return {(at::sigmoid(tau * (t.ratio - 1)) * 4 / tau * t.advantages).neg(), t.ratio.detach(), {}};
}

// VESPO: a gamma-shaped constant weight phi(w) = e^lambda w^k e^(-lambda w) of the whole row's ratio w.
PolicyLoss vespo(const PolicyTerms& t, const LossOptions& options) {
  const double lowest = std::log(1e-8), highest = 20.0;
  at::Tensor logW = (t.logRatio.detach().clamp(-20.0, 20.0) * t.mask).sum({1}, true);
  if (t.rolloutRatio.defined()) {
    at::Tensor logQ = t.rolloutRatio.log().clamp(lowest, highest);
    if (logQ.size(1) == t.mask.size(1)) logQ = logQ * t.mask;
    logW = logW + logQ.sum({1}, true);
  }
  logW = logW.clamp(lowest, highest);
  const at::Tensor positive = t.advantages.ge(0);
  const auto pick = [&](double whenPositive, double whenNegative) {
    return at::zeros_like(t.advantages).fill_(whenNegative).masked_fill(positive, whenPositive);
  };
  const at::Tensor k = pick(options.vespoKPos, options.vespoKNeg);
  const at::Tensor lambda = pick(options.vespoLambdaPos, options.vespoLambdaNeg).clamp_min(1e-4);
  const at::Tensor phi = (lambda + k * logW - lambda * logW.exp()).exp();
  return {(phi * t.advantages * t.logps).neg(), t.ratio.detach(), phi};
}

}  // namespace

PolicyLoss policyLoss(const PolicyTerms& terms, const LossOptions& options) {
  if (options.lossType == "cispo") return cispo(terms, options);
  if (options.lossType == "sapo") return sapo(terms, options);
  if (options.lossType == "vespo") return vespo(terms, options);
  return clippedSurrogate(terms, options);
}

}  // namespace toolr0
