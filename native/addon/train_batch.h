#pragma once
#include "addon/arguments.h"
#include "grpo/trainer.h"

namespace toolr0::addon {
// The batches and options of AddonTrainer in lib/binding/addon.ts, checked for types and for lengths that
// agree.
TrainBatch readTrainBatch(const Fields& fields);
LanguageModelBatch readLanguageModelBatch(const Fields& fields);
TrainerOptions readTrainerOptions(const Fields& fields);
}  // namespace toolr0::addon
