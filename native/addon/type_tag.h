#pragma once
#include <napi.h>

#include <string>

#include "runtime/error.h"

namespace toolr0::addon {

// The native object behind a JS value, after checking its type tag: unwrapping an object of another class
// would read foreign memory. Throws Error(kConfigError).
template <class Wrapped>
Wrapped* unwrapTagged(const Napi::Value& value, const napi_type_tag& tag, const std::string& name,
                      const std::string& className) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&tag)) {
    throw Error(kConfigError, name + " must be an " + className);
  }
  return Wrapped::Unwrap(value.As<Napi::Object>());
}

}  // namespace toolr0::addon
