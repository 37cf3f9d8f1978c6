#include "grpo/step_flops.h"

namespace toolr0 {

double trainingFlops(const ModelConfig& config, const PackedBatch& batch, int64_t scoredTokens) {
  const auto number = [](int64_t n) { return static_cast<double>(n); };
  const double hidden = number(config.hiddenSize),
               attention = number(config.numAttentionHeads * config.headDim);
  const double perLayer =
      hidden * number(config.qkvSize()) + hidden * attention + 3 * hidden * number(config.intermediateSize);
  double tokens = 0, pairs = 0;
  for (const Segment& segment : batch.segments) {
    const double length = number(segment.length);
    const double prefix =
        segment.prefix < 0 ? 0 : number(batch.segments[static_cast<size_t>(segment.prefix)].length);
    tokens += length;
    pairs += length * prefix + length * (length + 1) / 2;
  }
  return number(config.numHiddenLayers) * (6 * perLayer * tokens + 12 * attention * pairs) +
         6 * hidden * number(config.vocabSize) * number(scoredTokens);
}

}  // namespace toolr0
