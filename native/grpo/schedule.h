#pragma once
#include <cstdint>
#include <string>

namespace toolr0 {

// Factor on the learning rate for the optimiser step with this 0-based index, as transformers' get_scheduler
// gives it (its first warm-up step therefore has factor 0): constant | constant_with_warmup | linear |
// cosine.
double scheduleFactor(const std::string& scheduler, int64_t step, int64_t warmupSteps, int64_t totalSteps);

// Throws Error(kConfigError): unknown name, negative counts, linear or cosine without totalSteps.
void checkSchedule(const std::string& scheduler, int64_t warmupSteps, int64_t totalSteps);

}  // namespace toolr0
