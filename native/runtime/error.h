#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace toolr0 {

// Every failure the core reports on purpose. `code` is one of the TOOL_R0_* names listed in
// lib/binding/errors.ts; `details` is a JSON object text ("" = none). The addon turns it into a JS Error
// {code, message, details}.
class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message, std::string details = "")
      : std::runtime_error(message), code_(std::move(code)), details_(std::move(details)) {}
  const std::string& code() const { return code_; }
  const std::string& details() const { return details_; }

 private:
  std::string code_, details_;
};

// Codes used by the core.
inline constexpr const char* kConfigError = "TOOL_R0_CONFIG";  // an option or argument is wrong
inline constexpr const char* kModelFormatError =
    "TOOL_R0_MODEL_FORMAT";                                            // config.json / safetensors are wrong
inline constexpr const char* kCheckpointError = "TOOL_R0_CHECKPOINT";  // trainer state is wrong
inline constexpr const char* kOutOfMemoryError = "TOOL_R0_OUT_OF_MEMORY";
inline constexpr const char* kAbortedError = "TOOL_R0_ABORTED";
inline constexpr const char* kDisposedError = "TOOL_R0_DISPOSED";
inline constexpr const char* kDeviceError = "TOOL_R0_DEVICE";    // no such device, CUDA missing
inline constexpr const char* kNumericError = "TOOL_R0_NUMERIC";  // NaN/Inf where none may be
inline constexpr const char* kIoError = "TOOL_R0_IO";          // cannot read/write a file (ENOSPC, EACCES …)
inline constexpr const char* kNativeError = "TOOL_R0_NATIVE";  // anything else

}  // namespace toolr0
