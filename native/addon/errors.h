#pragma once
#include <napi.h>

#include <exception>
#include <utility>

namespace toolr0::addon {

// The JS Error {code, message, details} of any C++ exception. libtorch's own become TOOL_R0_NATIVE or
// TOOL_R0_OUT_OF_MEMORY, without their C++ backtrace. `details` is JSON text, set only where there is some.
Napi::Error toJsError(Napi::Env env, const std::exception_ptr& failure);

// Runs a synchronous method; what it throws reaches JS as an Error with a code.
template <class Body>
auto guarded(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw toJsError(env, std::current_exception());
  }
}

// Runs the JS half of a method that returns a promise: wrong arguments reject it, nothing is thrown at the
// caller.
template <class Body>
Napi::Value rejecting(Napi::Env env, Body&& body) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  try {
    return body();
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  } catch (...) {
    deferred.Reject(toJsError(env, std::current_exception()).Value());
  }
  return deferred.Promise();
}

}  // namespace toolr0::addon
