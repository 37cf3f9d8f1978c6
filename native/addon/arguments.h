#pragma once
#include <napi.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace toolr0::addon {

// Strict readers of JS values. Each throws Error(kConfigError) naming the argument or field, what was
// expected and what came. Arrays are copied: JS may change or transfer its buffer while a job runs.

inline constexpr int64_t kMaxSafeInteger = 9007199254740991;

std::vector<int32_t> int32Array(const Napi::Value& value, const std::string& name);
std::vector<float> float32Array(const Napi::Value& value, const std::string& name);
std::vector<uint8_t> uint8Array(const Napi::Value& value, const std::string& name);
// Any number but NaN; infinities only where `allowInfinity`.
double number(const Napi::Value& value, const std::string& name, bool allowInfinity = false);
int64_t integer(const Napi::Value& value, const std::string& name, int64_t minimum = 0,
                int64_t maximum = kMaxSafeInteger);
bool boolean(const Napi::Value& value, const std::string& name);
std::string string(const Napi::Value& value, const std::string& name);
// Undefined and null mean absent.
std::optional<Napi::Function> optionalFunction(const Napi::Value& value, const std::string& name);

// Checks that offsets run from 0 to `total` without going back, and returns the number of rows.
int64_t checkOffsets(const std::vector<int32_t>& offsets, size_t total, const std::string& name);

// The fields of an object argument.
class Fields {
 public:
  Fields(const Napi::Value& value, std::string name);
  Napi::Value get(const char* key) const;
  bool has(const char* key) const;  // neither undefined nor null
  std::string path(const char* key) const { return name_ + "." + key; }

  std::vector<int32_t> int32Array(const char* key) const { return addon::int32Array(get(key), path(key)); }
  std::vector<float> float32Array(const char* key) const { return addon::float32Array(get(key), path(key)); }
  std::vector<uint8_t> uint8Array(const char* key) const { return addon::uint8Array(get(key), path(key)); }
  double number(const char* key, bool allowInfinity = false) const {
    return addon::number(get(key), path(key), allowInfinity);
  }
  int64_t integer(const char* key, int64_t minimum = 0, int64_t maximum = kMaxSafeInteger) const {
    return addon::integer(get(key), path(key), minimum, maximum);
  }
  bool boolean(const char* key) const { return addon::boolean(get(key), path(key)); }
  std::string string(const char* key) const { return addon::string(get(key), path(key)); }
  std::vector<std::string> strings(const char* key) const;
  std::vector<double> numbers(const char* key) const;
  std::optional<double> optionalNumber(const char* key) const;
  std::optional<std::string> optionalString(const char* key) const;

 private:
  Napi::Object object_;
  std::string name_;
};

}  // namespace toolr0::addon
