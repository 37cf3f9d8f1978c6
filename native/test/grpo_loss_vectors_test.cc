// Section D of the oracle vectors: advantages and every loss, gradient and metric, in float64.
#include <ATen/ATen.h>

#include <cstdio>

#include "check.h"
#include "grpo/advantages.h"
#include "grpo/loss.h"
#include "model_vectors.h"
#include "runtime/error.h"
#include "vectors.h"

using namespace toolr0;
using vectors::Json;

namespace {

void close(const std::string& what, const at::Tensor& got, const at::Tensor& want, double tolerance) {
  if (!got.defined() || got.sizes() != want.sizes()) {
    check::that(false, what.c_str(), __FILE__, __LINE__, "shape or presence differs");
    return;
  }
  const at::Tensor bad =
      (got - want).abs().gt(tolerance * want.abs().clamp_min(1e-3)).logical_or(got.isnan().ne(want.isnan()));
  check::that(!bad.any().item<bool>(), what.c_str(), __FILE__, __LINE__,
              "max difference " + std::to_string((got - want).abs().max().item<double>()));
}

AdvantageOptions advantageOptions(const Json& config, const char* aggregation, const Json* weights) {
  AdvantageOptions options;
  options.groupSize = config.find("num_generations")->integer;
  options.scaleRewards = config.find("scale_rewards")->string;
  options.multiObjectiveAggregation = config.find(aggregation)->string;
  if (weights->isArray())
    for (const Json& weight : weights->array) options.rewardWeights.push_back(weight.number);
  return options;
}

void checkAdvantages(const std::string& id, const at::Tensor& rewards, const AdvantageOptions& options,
                     const Json& expect) {
  const AdvantageResult result = computeAdvantages(rewards, options);
  close(id + " advantages", result.advantages, vectors::tensor(*expect.find("advantages")), 1e-10);
  close(id + " std", result.std, vectors::tensor(*expect.find("std")), 1e-10);
  check::that(std::abs(result.fracRewardZeroStd - expect.find("frac_reward_zero_std")->number) < 1e-12,
              (id + " frac_reward_zero_std").c_str(), __FILE__, __LINE__);
}

std::optional<double> optionalNumber(const Json& config, const char* key) {
  const Json* value = config.find(key);
  return value == nullptr || value->isNull() ? std::nullopt : std::optional<double>(vectors::number(*value));
}

LossOptions lossOptions(const Json& config, double numItemsInBatch) {
  LossOptions o;
  o.lossType = config.find("loss_type")->string;
  o.importanceSamplingLevel = config.find("importance_sampling_level")->string;
  o.epsilon = config.find("epsilon")->number;
  o.epsilonHigh = optionalNumber(config, "epsilon_high");
  o.delta = optionalNumber(config, "delta");
  o.beta = config.find("beta")->number;
  o.useBiasCorrectionKl = config.find("use_bias_correction_kl")->boolean;
  o.maxCompletionLength = config.find("max_completion_length")->integer;
  o.gradientAccumulationSteps = config.find("gradient_accumulation_steps")->integer;
  o.stepsPerGeneration = config.find("steps_per_generation")->integer;
  o.numItemsInBatch = numItemsInBatch;
  if (const Json* is = config.find("rollout_is"); is->isObject()) {
    o.rolloutIs = is->find("mode")->string;
    o.rolloutIsMin = optionalNumber(*is, "clip_min").value_or(o.rolloutIsMin);
    o.rolloutIsMax = optionalNumber(*is, "clip_max").value_or(o.rolloutIsMax);
  }
  o.offPolicyMaskThreshold = optionalNumber(config, "off_policy_mask_threshold");
  o.topEntropyQuantile = config.find("top_entropy_quantile")->number;
  o.sapoTauPos = optionalNumber(config, "sapo_temperature_pos").value_or(o.sapoTauPos);
  o.sapoTauNeg = optionalNumber(config, "sapo_temperature_neg").value_or(o.sapoTauNeg);
  o.vespoKPos = optionalNumber(config, "vespo_k_pos").value_or(o.vespoKPos);
  o.vespoLambdaPos = optionalNumber(config, "vespo_lambda_pos").value_or(o.vespoLambdaPos);
  o.vespoKNeg = optionalNumber(config, "vespo_k_neg").value_or(o.vespoKNeg);
  o.vespoLambdaNeg = optionalNumber(config, "vespo_lambda_neg").value_or(o.vespoLambdaNeg);
  return o;
}

LossInputs rowsOf(const LossInputs& in, int64_t begin, int64_t count) {
  const auto cut = [&](const at::Tensor& t) { return t.defined() ? t.narrow(0, begin, count) : t; };
  return {cut(in.logps),    cut(in.mask),          cut(in.advantages), cut(in.oldLogps),
          cut(in.refLogps), cut(in.samplingLogps), cut(in.entropies)};
}

// The same step in two micro-batches of unequal size must give the same loss and gradient.
void checkSplit(const std::string& id, const LossInputs& in, LossOptions options, const LossResult& whole) {
  const int64_t rows = in.logps.size(0), first = rows / 2 + 1;
  if (first >= rows) return;
  options.rowsInStep = static_cast<double>(rows);
  options.tokensInStep = in.mask.sum().item<double>();
  if (options.topEntropyQuantile < 1) {
    options.entropyThreshold =
        entropyThreshold(in.entropies.masked_select(in.mask.ne(0)), options.topEntropyQuantile);
  }
  const LossResult a = grpoLoss(rowsOf(in, 0, first), options),
                   b = grpoLoss(rowsOf(in, first, rows - first), options);
  close(id + " split loss", a.loss + b.loss, whole.loss, 1e-10);
  close(id + " split gradient", at::cat({a.dLogps, b.dLogps}), whole.dLogps, 1e-10);
}

void checkLoss(const Json& row) {
  const std::string& id = row.find("id")->string;
  const Json &config = *row.find("config"), &inputs = *row.find("inputs"), &expect = *row.find("expect");
  LossOptions options = lossOptions(config, inputs.find("num_items_in_batch")->number);
  const double tolerance = options.lossType == "sapo" || options.topEntropyQuantile < 1 ? 1e-6 : 1e-10;
  checkAdvantages(id, vectors::tensor(*inputs.find("rewards_per_func")),
                  advantageOptions(config, "multi_objective_aggregation", config.find("reward_weights")),
                  expect);

  LossInputs in;
  in.logps = vectors::tensor(*inputs.find("logps"));
  in.mask = at::zeros_like(in.logps);
  for (int64_t i = 0; i < in.logps.size(0); ++i) {
    const bool truncated = inputs.find("is_truncated")->array[i].boolean;
    if (config.find("mask_truncated_completions")->boolean && truncated) continue;
    in.mask[i].slice(0, 0, inputs.find("lengths")->array[i].integer).fill_(1);
  }
  in.advantages = vectors::tensor(*expect.find("advantages"));
  in.oldLogps = vectors::optionalTensor(inputs.find("old_logps"));
  in.refLogps = vectors::optionalTensor(inputs.find("ref_logps"));
  in.samplingLogps = vectors::optionalTensor(inputs.find("sampling_logps"));
  in.entropies = vectors::optionalTensor(inputs.find("entropies"));

  const LossResult result = grpoLoss(in, options);
  close(id + " loss", result.loss.view({1}), at::tensor({expect.find("loss")->number}, at::kDouble),
        tolerance);
  close(id + " grad", result.dLogps, vectors::tensor(*expect.find("grad")), tolerance);
  close(id + " ratio", result.ratio, vectors::tensor(*expect.find("ratio")), tolerance);
  for (const auto& [name, got] : {std::pair{"per_token_loss", result.perTokenLoss},
                                  {"per_token_kl", result.perTokenKl},
                                  {"rollout_is_ratio", result.rolloutIsRatio}}) {
    if (!expect.find(name)->isNull())
      close(id + " " + name, got, vectors::tensor(*expect.find(name)), tolerance);
  }
  for (const auto& [name, want] : expect.find("metrics")->object) {
    const auto got = result.metrics.find(name);
    const bool near = got != result.metrics.end() && std::abs(got->second - vectors::number(want)) <= 1e-7;
    check::that(
        near || (got != result.metrics.end() && std::isnan(got->second) && std::isnan(vectors::number(want))),
        (id + " metric " + name).c_str(), __FILE__, __LINE__);
  }
  checkSplit(id, in, options, result);
}

}  // namespace

int main() {
  const std::filesystem::path folder = check::vectorsFolder();
  if (folder.empty()) {
    std::printf("skipped: no oracle vectors (set TOOL_R0_VECTORS)\n");
    return 77;
  }
  for (const Json& row : vectors::readLines(folder / "D_advantages.jsonl")) {
    checkAdvantages(row.find("id")->string, vectors::tensor(*row.find("rewards_per_func")),
                    advantageOptions(row, "aggregation", row.find("weights")), row);
  }
  for (const Json& row : vectors::readLines(folder / "D_grpo_loss.jsonl")) checkLoss(row);
  return check::report();
}
