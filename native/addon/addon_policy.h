#pragma once
#include <napi.h>

#include "addon/model_holder.h"

namespace toolr0::addon {

// JS: AddonPolicy of lib/binding/addon.ts.
class AddonPolicy : public Napi::ObjectWrap<AddonPolicy> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit AddonPolicy(const Napi::CallbackInfo& info);
  ~AddonPolicy() override;

  // The model holder behind a JS value. Throws Error(kConfigError) for another type, kDisposedError when
  // disposed.
  static ModelHolderPtr from(const Napi::Value& value, const char* name);

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value init(const Napi::CallbackInfo& info);
  Napi::Value generate(const Napi::CallbackInfo& info);
  Napi::Value logprobs(const Napi::CallbackInfo& info);
  Napi::Value logits(const Napi::CallbackInfo& info);
  Napi::Value saveWeights(const Napi::CallbackInfo& info);
  Napi::Value copyFrom(const Napi::CallbackInfo& info);
  Napi::Value offload(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  ModelHolderPtr holder_ = std::make_shared<ModelHolder>();
};

}  // namespace toolr0::addon
