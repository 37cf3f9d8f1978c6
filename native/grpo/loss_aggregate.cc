#include <algorithm>

#include "grpo/loss_terms.h"

namespace toolr0 {

// From [rows, T] (or [rows, 1]) to a scalar. The totals in the denominators are those of the whole step, so
// that micro-batches add up to exactly what one big batch gives.
at::Tensor aggregateLoss(const at::Tensor& perToken, const at::Tensor& mask, const LossOptions& options) {
  const std::string& type = options.lossType;
  const at::Tensor masked = perToken * mask;
  const double rows = options.rowsInStep > 0 ? options.rowsInStep : static_cast<double>(mask.size(0));
  const double tokens = options.tokensInStep > 0 ? options.tokensInStep : mask.sum().item<double>();
  const double accumulation = static_cast<double>(options.gradientAccumulationSteps);
  if (type == "grpo" || type == "sapo") {  // mean over rows of the mean over a row's tokens
    const at::Tensor length = mask.sum({1}).clamp_min(1.0);
    return (masked.sum({1}) / length).sum() / (rows * accumulation);
  }
  if (type == "bnpo") return masked.sum() / (std::max(1.0, tokens) * accumulation);
  if (type == "dr_grpo") {
    return masked.sum() / (rows * static_cast<double>(options.maxCompletionLength) * accumulation);
  }
  if (type == "luspo") return masked.sum() / (rows * accumulation);
  // dapo, cispo, vespo: num_items_in_batch spans the generation batch; bring it to one accumulation window
  const double items = std::max(1.0, options.numItemsInBatch > 0 ? options.numItemsInBatch : tokens);
  return masked.sum() / (items * accumulation / static_cast<double>(options.stepsPerGeneration));
}

}  // namespace toolr0
