#pragma once
#include <napi.h>

namespace toolr0::addon {
// The free functions of NativeAddon in lib/binding/addon.ts.
void defineFunctions(Napi::Env env, Napi::Object exports);
}  // namespace toolr0::addon
