#include "addon/errors.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>
#include <system_error>

#include "runtime/error.h"

namespace toolr0::addon {
namespace {

struct Failure {
  std::string code, message, details;
};

// libtorch reports a failed host allocation as a plain c10::Error.
bool isHostAllocationFailure(const std::string& message) {
  return message.find("DefaultCPUAllocator") != std::string::npos &&
         message.find("allocate memory") != std::string::npos;
}

const char* const kMemoryCure = "; use a smaller batch or token budget, or another device or dtype";

Failure describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return {error.code(), error.what(), error.details()};
  } catch (const c10::OutOfMemoryError& error) {
    return {kOutOfMemoryError, std::string(error.what_without_backtrace()) + kMemoryCure, ""};
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    if (isHostAllocationFailure(message)) return {kOutOfMemoryError, message + kMemoryCure, ""};
    return {kNativeError, message, ""};
  } catch (const std::bad_alloc&) {
    return {kOutOfMemoryError, std::string("out of host memory") + kMemoryCure, ""};
  } catch (const std::system_error& error) {
    return {kIoError, error.what(), ""};
  } catch (const std::exception& error) {
    return {kNativeError, error.what(), ""};
  } catch (...) {
    return {kNativeError, "unknown exception in the native core", ""};
  }
}

}  // namespace

Napi::Error toJsError(Napi::Env env, const std::exception_ptr& failure) {
  const Failure described = describe(failure);
  Napi::Error error = Napi::Error::New(env, described.message);
  error.Set("code", Napi::String::New(env, described.code));
  if (!described.details.empty()) error.Set("details", Napi::String::New(env, described.details));
  return error;
}

}  // namespace toolr0::addon
