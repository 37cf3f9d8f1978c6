#pragma once
#include <napi.h>

#include "addon/arguments.h"

namespace toolr0::addon {
// grpoAdvantages(rewards, functions, options) and grpoLoss(inputs, options, device) on Float32Array or
// Float64Array, on the CPU in the precision given. Synchronous, on the calling thread: they are small and
// touch no model.
Napi::Value grpoAdvantagesOfArrays(const Napi::CallbackInfo& info);
Napi::Value grpoLossOfArrays(const Napi::CallbackInfo& info);
}  // namespace toolr0::addon
