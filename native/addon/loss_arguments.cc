#include "addon/loss_arguments.h"

namespace toolr0::addon {

LossOptions readLossOptions(const Fields& fields) {
  LossOptions options;
  options.lossType = fields.string("lossType");
  options.importanceSamplingLevel = fields.string("importanceSamplingLevel");
  options.epsilon = fields.number("epsilon");
  options.epsilonHigh = fields.optionalNumber("epsilonHigh");
  options.delta = fields.optionalNumber("delta");
  options.beta = fields.number("beta");
  options.useBiasCorrectionKl = fields.boolean("useBiasCorrectionKl");
  options.maxCompletionLength = fields.integer("maxCompletionLength");
  options.gradientAccumulationSteps = fields.integer("gradientAccumulationSteps", 1);
  options.stepsPerGeneration = fields.integer("stepsPerGeneration", 1);
  options.numItemsInBatch = fields.number("numItemsInBatch");
  options.rolloutIs = fields.optionalString("rolloutIs");
  options.rolloutIsMin = fields.number("rolloutIsMin");
  options.rolloutIsMax = fields.number("rolloutIsMax", /*allowInfinity=*/true);
  options.offPolicyMaskThreshold = fields.optionalNumber("offPolicyMaskThreshold");
  options.topEntropyQuantile = fields.number("topEntropyQuantile");
  options.sapoTauPos = fields.number("sapoTauPos");
  options.sapoTauNeg = fields.number("sapoTauNeg");
  options.vespoKPos = fields.number("vespoKPos");
  options.vespoLambdaPos = fields.number("vespoLambdaPos");
  options.vespoKNeg = fields.number("vespoKNeg");
  options.vespoLambdaNeg = fields.number("vespoLambdaNeg");
  return options;
}

}  // namespace toolr0::addon
