#pragma once
#include <string>
#include <vector>

#include "grpo/optimizer.h"

namespace toolr0 {

struct TrainerCounters {
  int64_t step = 0;                // optimiser steps taken
  int64_t skippedSteps = 0;        // of all time
  int64_t consecutiveSkipped = 0;  // since the last step taken
};

// One safetensors file: master.*, first_moment.*, second_moment.* (fp32, fused names), counters in its
// metadata. It appears whole or not at all. Throws Error(kIoError) with errno's text.
void saveTrainerState(const std::string& file, std::vector<TrainedParameter>& parameters,
                      const TrainerCounters& counters, const std::string& optimizer);

// Checks everything before it writes anything. Throws Error(kCheckpointError) for a file that is no such
// state, belongs to another optimiser, or whose tensors do not fit the model; Error(kIoError) when it cannot
// be read.
TrainerCounters loadTrainerState(const std::string& file, std::vector<TrainedParameter>& parameters,
                                 const std::string& optimizer);

}  // namespace toolr0
