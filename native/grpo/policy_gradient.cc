// The GRPO half of the trainer: pack, forward, log-probabilities, loss, backward, one micro-batch after
// another.
#include <algorithm>
#include <cmath>

#include "grpo/packed_forward.h"
#include "grpo/step_flops.h"
#include "grpo/step_metrics.h"
#include "grpo/trainer_impl.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

LogprobHeadOutput headOf(const Model& model, const at::Tensor& hidden, const MicroBatch& batch,
                         const TrainerOptions& options) {
  return logprobHead(hidden, batch.hiddenRow, batch.target, model.weights.lmHead, options.temperature,
                     options.logprobChunkRows);
}

LogprobHeadOutput withoutTape(Model& model, const MicroBatch& batch, const TrainerOptions& options) {
  return headOf(model, packedForward(model, batch.packed, batch.contextLength), batch, options);
}

LossInputs lossInputs(const MicroBatch& batch, const LogprobHeadOutput& head) {
  const auto padded = [&](const at::Tensor& x) { return x.defined() ? batch.padded(x) : x; };
  LossInputs in;
  in.logps = padded(head.logprobs);
  in.mask = padded(at::ones_like(head.logprobs));
  in.advantages = batch.advantages;
  in.oldLogps = padded(batch.oldLogps);
  in.samplingLogps = padded(batch.samplingLogps);
  in.entropies = padded(head.entropy);
  return in;
}

// The rollout correction's values, one per token or per row; undefined when it is off.
at::Tensor correctionOf(const LossResult& loss, const MicroBatch& batch, const LossOptions& options) {
  if (!options.rolloutIs) return {};
  const bool perRow = options.rolloutIs->rfind("sequence_", 0) == 0;
  return perRow ? loss.rolloutIsRatio.view({-1}) : loss.rolloutIsRatio.view({-1}).index_select(0, batch.cell);
}

// The entropy quantile is one of the whole step: with several micro-batches it takes a forward pass of its
// own.
double entropyThresholdOfStep(Model& model, const TrainBatch& batch, const StepPlan& plan,
                              const TrainerOptions& options, const CancelToken& cancel) {
  std::vector<at::Tensor> entropies;
  for (const std::vector<int32_t>& rows : plan.microBatches) {
    cancel.throwIfRequested();
    entropies.push_back(withoutTape(model, packMicroBatch(batch, rows, model.device), options).entropy);
  }
  return entropyThreshold(at::cat(entropies), options.loss.topEntropyQuantile);
}

}  // namespace

Metrics Trainer::Impl::addPolicyGradient(const TrainBatch& batch, const CancelToken& cancel) {
  checkTrainBatch(batch, model->config);
  LossOptions lossOptions = options.loss;
  if (lossOptions.beta != 0 && reference == nullptr && batch.refLogprobs.empty()) {
    throw Error(kConfigError, "beta above 0 needs a reference model, or refLogprobs with the batch");
  }
  const bool entropyMasked = lossOptions.topEntropyQuantile < 1;
  // A row of zero advantage has zero gradient unless the KL term acts on it; the entropy quantile is over all
  // rows.
  const StepPlan plan = planStep(batch, lossOptions.beta == 0 && !entropyMasked, options.tokenBudget);
  lossOptions.rowsInStep = static_cast<double>(plan.rows);
  lossOptions.tokensInStep = static_cast<double>(std::max<int64_t>(1, plan.unmaskedTokens));
  if (entropyMasked && plan.microBatches.size() > 1) {
    lossOptions.entropyThreshold = entropyThresholdOfStep(*model, batch, plan, options, cancel);
  }

  MetricMeans means;
  SamplingMismatch mismatch;
  double loss = 0, forwardedTokens = 0, flops = 0;
  int64_t checkpointed = 0;
  for (const std::vector<int32_t>& rows : plan.microBatches) {
    cancel.throwIfRequested();
    const MicroBatch micro = packMicroBatch(batch, rows, model->device);
    forwardedTokens += static_cast<double>(micro.packed.tokenCount());
    ensureRopeTables(*model, micro.contextLength);
    const int64_t scored = micro.target.size(0), kept = layersToKeep(micro.packed.tokenCount(), scored);
    checkpointed = std::max(checkpointed, model->config.numHiddenLayers - kept);
    flops += trainingFlops(model->config, micro.packed, scored);
    DecoderTape tape;
    const at::Tensor hidden = decoderForwardTape(*model, micro.packed, tape, kept);
    const LogprobHeadOutput head = headOf(*model, hidden, micro, options);
    LossInputs inputs = lossInputs(micro, head);
    if (lossOptions.beta != 0) {
      inputs.refLogps = micro.padded(
          micro.refLogps.defined() ? micro.refLogps : withoutTape(*reference, micro, options).logprobs);
    }
    const LossResult result = grpoLoss(inputs, lossOptions);
    loss += result.loss.item<double>();
    means.add(result);
    if (micro.samplingLogps.defined()) {
      mismatch.add(micro.oldLogps.defined() ? micro.oldLogps : head.logprobs, micro.samplingLogps,
                   correctionOf(result, micro, lossOptions));
    }
    if (!std::isfinite(loss)) {  // the step will be skipped: its gradient is of no use
      sawNonFiniteLoss = true;
      break;
    }
    const at::Tensor dLogprobs = result.dLogps.view({-1}).index_select(0, micro.cell);
    const at::Tensor dHidden =
        logprobHeadBackward(dLogprobs, hidden, micro.hiddenRow, micro.target, model->weights.lmHead,
                            options.temperature, options.logprobChunkRows, gradients.lmHead, head.lse);
    decoderBackward(*model, micro.packed, tape, dHidden, gradients);
  }

  means.addLeftOut(plan, lossOptions.importanceSamplingLevel == "sequence");
  Metrics metrics;
  means.writeTo(metrics);
  if (!batch.samplingLogprobs.empty()) mismatch.writeTo(metrics);
  metrics["loss"] = loss;
  metrics["toolr0/skipped_rows"] = static_cast<double>(plan.leftOutRows);
  metrics["toolr0/micro_batches"] = static_cast<double>(plan.microBatches.size());
  metrics["toolr0/train_tokens"] = forwardedTokens;
  metrics["toolr0/train_flops"] = flops;
  metrics["toolr0/checkpointed_layers"] = static_cast<double>(checkpointed);
  return metrics;
}

}  // namespace toolr0
