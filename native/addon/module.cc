#include <napi.h>

#include "addon/addon_cancel.h"
#include "addon/addon_functions.h"
#include "addon/addon_policy.h"
#include "addon/addon_trainer.h"
#include "addon/env_state.h"

namespace {

// Runs once per environment: the main thread and every worker that loads the addon.
Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  using namespace toolr0::addon;
  initializeEnv(env);
  exports.Set("AddonCancelToken", AddonCancelToken::define(env));
  exports.Set("AddonPolicy", AddonPolicy::define(env));
  exports.Set("AddonTrainer", AddonTrainer::define(env));
  defineFunctions(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(tool_r0_native, initialize)
