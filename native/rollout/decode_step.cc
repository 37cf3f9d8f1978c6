#include "rollout/decode_step.h"

#include "rollout/aten_decode_step.h"
#include "rollout/bf16_decode_step.h"
#include "rollout/cpu_decode_step.h"

namespace toolr0 {

std::unique_ptr<DecodeStep> makeDecodeStep(Model& model, KvCache& cache, const RolloutRequest& request) {
  if (cache.layout() == KvLayout::kHeadMajor) {
    if (CpuDecodeStep::supports(model)) return std::make_unique<CpuDecodeStep>(model, cache, request);
    return std::make_unique<Bf16DecodeStep>(model, cache, request);
  }
  return std::make_unique<AtenDecodeStep>(model, cache, request);
}

}  // namespace toolr0
