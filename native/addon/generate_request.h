#pragma once
#include "addon/arguments.h"
#include "rollout/rollout.h"

namespace toolr0::addon {
// AddonGenerateRequest of lib/binding/addon.ts, checked for types, ranges and consistent offsets.
RolloutRequest readGenerateRequest(const Fields& fields);
}  // namespace toolr0::addon
