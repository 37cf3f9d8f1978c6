#pragma once
#include <ATen/ATen.h>

#include <limits>
#include <map>
#include <optional>
#include <string>

namespace toolr0 {

// Names and defaults are TRL GRPOConfig's (1.13), in camelCase on the JS side. See ../docs for the formulas.
struct LossOptions {
  std::string lossType = "grpo";                  // grpo bnpo dr_grpo dapo cispo luspo sapo vespo
  std::string importanceSamplingLevel = "token";  // token | sequence (GSPO)
  double epsilon = 0.2;
  std::optional<double> epsilonHigh, delta;
  double beta = 0.0;
  bool useBiasCorrectionKl = true;
  int64_t maxCompletionLength = 0;  // dr_grpo
  int64_t gradientAccumulationSteps = 1, stepsPerGeneration = 1;
  double numItemsInBatch = 0;            // dapo cispo vespo; 0 = unmasked tokens of this call
  std::optional<std::string> rolloutIs;  // token_truncate token_mask sequence_truncate sequence_mask
  double rolloutIsMin = 0.0, rolloutIsMax = std::numeric_limits<double>::infinity();
  std::optional<double> offPolicyMaskThreshold;
  double topEntropyQuantile = 1.0;
  double sapoTauPos = 1.0, sapoTauNeg = 1.05;
  double vespoKPos = 2, vespoLambdaPos = 3, vespoKNeg = 3, vespoLambdaNeg = 2;
  // When a step is split into micro-batches: totals over the whole step (0 = this call is the whole step),
  // and the entropy above which tokens are kept (absent = the quantile of this call's tokens).
  double rowsInStep = 0, tokensInStep = 0;
  std::optional<double> entropyThreshold;
};

// All [rows, T], padded, in one floating dtype; mask 1 for completion tokens.
struct LossInputs {
  at::Tensor logps, mask, advantages /*[rows]*/;
  at::Tensor oldLogps, refLogps, samplingLogps,
      entropies;  // undefined = absent (old = logps, no KL, no correction)
};

struct LossResult {
  at::Tensor loss;          // scalar
  at::Tensor dLogps;        // [rows, T] d loss / d logps
  at::Tensor perTokenLoss;  // before aggregation, incl. beta*KL, 0 where masked; [rows, 1] where nothing
                            // token-level enters
  at::Tensor ratio, perTokenKl, rolloutIsRatio;  // undefined when absent
  // TRL's names: clip_ratio/{low_mean, high_mean, region_mean, low_min, high_max}, cispo_clip_ratio,
  // vespo/phi_seq_mean, kl, entropy. What a mean is over (unmasked tokens, or rows where the quantity has one
  // value per row) is in `metricWeights`, so that micro-batches can be averaged; low_min and high_max have
  // none.
  std::map<std::string, double> metrics, metricWeights;
};

// Loss, gradient and metrics as TRL's GRPOTrainer._compute_loss (1.13) gives them, in the precision of the
// inputs. Masked positions are never read, so padding may hold anything. Throws Error(kConfigError) for an
// unknown option value, a shape that does not fit, beta without refLogps, rolloutIs without samplingLogps, a
// top-entropy quantile without entropies.
LossResult grpoLoss(const LossInputs& inputs, const LossOptions& options);

// The entropy that the `topEntropyQuantile` most uncertain of these tokens reach; entropies [tokens].
double entropyThreshold(const at::Tensor& entropies, double topEntropyQuantile);

}  // namespace toolr0
