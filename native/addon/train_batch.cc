#include "addon/train_batch.h"

#include "addon/loss_arguments.h"
#include "runtime/error.h"

namespace toolr0::addon {
namespace {

void checkLength(size_t length, size_t expected, const std::string& name, const char* unit) {
  if (length != expected) {
    throw Error(kConfigError, name + " holds " + std::to_string(length) + " values, expected " +
                                  std::to_string(expected) + " (" + unit + ")");
  }
}

}  // namespace

TrainBatch readTrainBatch(const Fields& fields) {
  TrainBatch batch;
  batch.promptTokens = fields.int32Array("promptTokens");
  batch.promptOffsets = fields.int32Array("promptOffsets");
  batch.completionTokens = fields.int32Array("completionTokens");
  batch.completionOffsets = fields.int32Array("completionOffsets");
  batch.promptOfRow = fields.int32Array("promptOfRow");
  batch.advantages = fields.float32Array("advantages");
  batch.samplingLogprobs = fields.float32Array("samplingLogprobs");
  batch.oldLogprobs = fields.float32Array("oldLogprobs");
  batch.refLogprobs = fields.float32Array("refLogprobs");
  batch.rowMask = fields.uint8Array("rowMask");

  const int64_t prompts =
      checkOffsets(batch.promptOffsets, batch.promptTokens.size(), fields.path("promptOffsets"));
  const auto rows = static_cast<size_t>(
      checkOffsets(batch.completionOffsets, batch.completionTokens.size(), fields.path("completionOffsets")));
  checkLength(batch.promptOfRow.size(), rows, fields.path("promptOfRow"), "one per completion");
  checkLength(batch.advantages.size(), rows, fields.path("advantages"), "one per completion");
  if (!batch.rowMask.empty())
    checkLength(batch.rowMask.size(), rows, fields.path("rowMask"), "one per completion");
  const size_t tokens = batch.completionTokens.size();
  for (const auto& [values, key] :
       {std::pair{&batch.samplingLogprobs, "samplingLogprobs"}, std::pair{&batch.oldLogprobs, "oldLogprobs"},
        std::pair{&batch.refLogprobs, "refLogprobs"}}) {
    if (!values->empty()) checkLength(values->size(), tokens, fields.path(key), "one per completion token");
  }
  for (size_t row = 0; row < rows; ++row) {
    if (batch.promptOfRow[row] < 0 || batch.promptOfRow[row] >= prompts) {
      throw Error(kConfigError, fields.path("promptOfRow") + "[" + std::to_string(row) + "] is " +
                                    std::to_string(batch.promptOfRow[row]) + ", but there are " +
                                    std::to_string(prompts) + " prompts");
    }
  }
  return batch;
}

LanguageModelBatch readLanguageModelBatch(const Fields& fields) {
  LanguageModelBatch batch;
  batch.tokens = fields.int32Array("tokens");
  batch.offsets = fields.int32Array("offsets");
  batch.weights = fields.float32Array("weights");
  checkOffsets(batch.offsets, batch.tokens.size(), fields.path("offsets"));
  checkLength(batch.weights.size(), batch.tokens.size(), fields.path("weights"), "one per token");
  return batch;
}

TrainerOptions readTrainerOptions(const Fields& fields) {
  TrainerOptions options;
  options.optimizer = fields.string("optimizer");
  options.learningRate = fields.number("learningRate");
  options.beta1 = fields.number("beta1");
  options.beta2 = fields.number("beta2");
  options.epsilon = fields.number("epsilon");
  options.weightDecay = fields.number("weightDecay");
  options.muonLearningRate = fields.number("muonLearningRate");
  options.muonMomentum = fields.number("muonMomentum");
  options.maxGradNorm = fields.number("maxGradNorm");
  options.scheduler = fields.string("scheduler");
  options.warmupSteps = fields.integer("warmupSteps");
  options.totalSteps = fields.integer("totalSteps");
  options.tokenBudget = fields.integer("tokenBudget");
  options.logprobChunkRows = fields.integer("logprobChunkRows", 1);
  options.activationCheckpointing = fields.boolean("activationCheckpointing");
  if (fields.has("activationBytes")) options.activationBytes = fields.integer("activationBytes");
  options.temperature = fields.number("temperature");
  options.maxSkippedSteps = fields.integer("maxSkippedSteps");
  options.loss = readLossOptions(Fields(fields.get("loss"), fields.path("loss")));
  return options;
}

}  // namespace toolr0::addon
