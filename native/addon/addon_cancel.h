#pragma once
#include <napi.h>

#include "runtime/cancellation.h"

namespace toolr0::addon {

// JS: `new AddonCancelToken()`, `.cancel()`.
class AddonCancelToken : public Napi::ObjectWrap<AddonCancelToken> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit AddonCancelToken(const Napi::CallbackInfo& info);

  // The token behind a JS value; a fresh one for undefined and null. Throws Error(kConfigError) for anything
  // else.
  static CancelTokenPtr from(const Napi::Value& value, const char* name);

 private:
  void cancel(const Napi::CallbackInfo& info);
  CancelTokenPtr token_ = std::make_shared<CancelToken>();
};

}  // namespace toolr0::addon
