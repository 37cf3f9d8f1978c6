#pragma once
#include "addon/arguments.h"
#include "grpo/loss.h"

namespace toolr0::addon {
// AddonLossOptions of lib/binding/addon.ts. Values are checked by the loss itself; types are checked here.
LossOptions readLossOptions(const Fields& fields);
}  // namespace toolr0::addon
