#include "grpo/loss.h"

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>

#include "grpo/loss_terms.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

template <size_t N>
void checkChoice(const char* option, const std::string& value, const std::array<const char*, N>& allowed) {
  std::string list;
  for (const char* name : allowed) {
    if (value == name) return;
    list += std::string(list.empty() ? "" : ", ") + name;
  }
  throw Error(kConfigError, std::string(option) + " must be one of " + list + ", not '" + value + "'");
}

void checkOptions(const LossOptions& options) {
  checkChoice("lossType", options.lossType,
              std::array{"grpo", "bnpo", "dr_grpo", "dapo", "cispo", "luspo", "sapo", "vespo"});
  checkChoice("importanceSamplingLevel", options.importanceSamplingLevel, std::array{"token", "sequence"});
  if (options.rolloutIs) {
    checkChoice("rolloutIs", *options.rolloutIs,
                std::array{"token_truncate", "token_mask", "sequence_truncate", "sequence_mask"});
  }
  if (options.lossType == "dr_grpo" && options.maxCompletionLength < 1) {
    throw Error(kConfigError, "lossType dr_grpo divides by maxCompletionLength, which must be at least 1");
  }
  if (options.gradientAccumulationSteps < 1 || options.stepsPerGeneration < 1) {
    throw Error(kConfigError, "gradientAccumulationSteps and stepsPerGeneration must be at least 1");
  }
  if (!(options.topEntropyQuantile >= 0 && options.topEntropyQuantile <= 1)) {
    throw Error(kConfigError, "topEntropyQuantile must lie in [0, 1]");
  }
}

void checkInputs(const LossInputs& in, const LossOptions& options) {
  const auto fail = [](const std::string& what) { throw Error(kConfigError, "grpoLoss: " + what); };
  if (!in.logps.defined() || in.logps.dim() != 2 || !in.logps.is_floating_point()) {
    fail("logps must be a [rows, T] array of floats");
  }
  const auto checkSame = [&](const char* name, const at::Tensor& tensor, bool required) {
    if (!tensor.defined()) {
      if (required) fail(std::string(name) + " is missing");
      return;
    }
    if (tensor.sizes() != in.logps.sizes() || tensor.scalar_type() != in.logps.scalar_type()) {
      fail(std::string(name) + " must have the shape and precision of logps");
    }
  };
  checkSame("mask", in.mask, true);
  checkSame("oldLogps", in.oldLogps, false);
  checkSame("refLogps (needed when beta is not 0)", in.refLogps, options.beta != 0);
  checkSame("samplingLogps (needed by rolloutIs)", in.samplingLogps, options.rolloutIs.has_value());
  checkSame("entropies (needed when topEntropyQuantile < 1)", in.entropies, options.topEntropyQuantile < 1);
  if (!in.advantages.defined() || in.advantages.dim() != 1 || in.advantages.size(0) != in.logps.size(0)) {
    fail("advantages must hold one value per row");
  }
}

// Padding may hold anything, infinities included: 0 keeps it out of every product.
at::Tensor withoutPadding(const at::Tensor& tensor, const at::Tensor& padding) {
  return tensor.defined() ? tensor.detach().masked_fill(padding, 0.0) : tensor;
}

at::Tensor maskedOutput(const at::Tensor& x, const at::Tensor& mask) {
  return x.size(1) == mask.size(1) ? x.detach() * mask : x.detach();
}

}  // namespace

LossResult grpoLoss(const LossInputs& inputs, const LossOptions& options) {
  checkOptions(options);
  checkInputs(inputs, options);
  const c10::InferenceMode noInference(false);
  const c10::AutoGradMode recording(true);

  const at::Tensor mask = inputs.mask.ne(0).to(inputs.logps.scalar_type());
  const at::Tensor padding = mask.eq(0);
  at::Tensor logps = withoutPadding(inputs.logps, padding).requires_grad_(true);
  const at::Tensor old =
      inputs.oldLogps.defined() ? withoutPadding(inputs.oldLogps, padding) : logps.detach();
  const at::Tensor sampling = withoutPadding(inputs.samplingLogps, padding);
  const at::Tensor entropies = withoutPadding(inputs.entropies, padding);

  PolicyTerms terms;
  terms.logps = logps;
  terms.mask = mask;
  terms.advantages = inputs.advantages.detach().to(logps.options()).unsqueeze(1).clone();
  terms.logRatio = logps - old;
  terms.ratio = importanceRatio(terms.logRatio, mask, options.importanceSamplingLevel);
  if (options.rolloutIs) terms.rolloutRatio = rolloutRatio(old, sampling, mask, options);

  LossResult result;
  const PolicyLoss policy = policyLoss(terms, options);
  at::Tensor perToken = policy.perToken;
  if (options.offPolicyMaskThreshold) {
    perToken = perToken * offPolicyKeep(logps, sampling.defined() ? sampling : old, terms.advantages, mask,
                                        *options.offPolicyMaskThreshold);
  }
  if (options.topEntropyQuantile < 1) perToken = perToken * entropyKeep(entropies, mask, options);
  if (terms.rolloutRatio.defined()) {
    result.rolloutIsRatio = maskedOutput(terms.rolloutRatio, mask);
    if (options.lossType != "vespo") perToken = perToken * terms.rolloutRatio;  // vespo has it inside phi
  }
  if (options.beta != 0) {
    const at::Tensor kl =
        klEstimate(logps, withoutPadding(inputs.refLogps, padding), terms.ratio, options.useBiasCorrectionKl);
    perToken = perToken + options.beta * kl;
    result.perTokenKl = maskedOutput(kl, mask);
    meanMetric("kl", result.perTokenKl, mask, result);
  }

  const at::Tensor loss = aggregateLoss(perToken, mask, options);
  result.dLogps = logps.numel() > 0 ? torch::autograd::grad({loss}, {logps})[0] : at::zeros_like(mask);
  result.loss = loss.detach();
  result.perTokenLoss = maskedOutput(perToken, mask);
  result.ratio = maskedOutput(terms.ratio, mask);
  if (entropies.defined()) meanMetric("entropy", entropies, mask, result);
  clipMetrics(policy, terms, options, result);
  return result;
}

}  // namespace toolr0
