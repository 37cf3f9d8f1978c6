#include "addon/addon_cancel.h"

#include "addon/type_tag.h"

namespace toolr0::addon {
namespace {
constexpr napi_type_tag kCancelTag = {0x746f6f6c72300001, 0x63616e63656c0001};
}  // namespace

Napi::Function AddonCancelToken::define(Napi::Env env) {
  return DefineClass(env, "AddonCancelToken", {InstanceMethod<&AddonCancelToken::cancel>("cancel")});
}

AddonCancelToken::AddonCancelToken(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<AddonCancelToken>(info) {
  info.This().As<Napi::Object>().TypeTag(&kCancelTag);
}

CancelTokenPtr AddonCancelToken::from(const Napi::Value& value, const char* name) {
  if (value.IsUndefined() || value.IsNull()) return std::make_shared<CancelToken>();
  return unwrapTagged<AddonCancelToken>(value, kCancelTag, name, "AddonCancelToken")->token_;
}

void AddonCancelToken::cancel(const Napi::CallbackInfo&) {
  token_->requested = true;
}

}  // namespace toolr0::addon
