#include "grpo/schedule.h"

#include <algorithm>
#include <cmath>

#include "runtime/error.h"

namespace toolr0 {

double scheduleFactor(const std::string& scheduler, int64_t step, int64_t warmupSteps, int64_t totalSteps) {
  if (scheduler == "constant") return 1.0;
  if (step < warmupSteps)
    return static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, warmupSteps));
  if (scheduler == "constant_with_warmup") return 1.0;
  const double span = static_cast<double>(std::max<int64_t>(1, totalSteps - warmupSteps));
  if (scheduler == "linear") return std::max(0.0, static_cast<double>(totalSteps - step) / span);
  const double progress = static_cast<double>(step - warmupSteps) / span;
  return progress >= 1 ? 0.0 : 0.5 * (1.0 + std::cos(M_PI * progress));
}

void checkSchedule(const std::string& scheduler, int64_t warmupSteps, int64_t totalSteps) {
  const bool decays = scheduler == "linear" || scheduler == "cosine";
  if (!decays && scheduler != "constant" && scheduler != "constant_with_warmup") {
    throw Error(
        kConfigError,
        "scheduler must be one of constant, constant_with_warmup, linear, cosine, not '" + scheduler + "'");
  }
  if (warmupSteps < 0 || totalSteps < 0)
    throw Error(kConfigError, "warmupSteps and totalSteps must not be negative");
  if (decays && totalSteps < 1) {
    throw Error(kConfigError,
                "scheduler " + scheduler + " needs totalSteps, the number of optimiser steps to decay over");
  }
}

}  // namespace toolr0
