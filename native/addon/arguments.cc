#include "addon/arguments.h"

#include <cmath>

#include "runtime/error.h"

namespace toolr0::addon {
namespace {

const char* arrayName(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
      return "Int8Array";
    case napi_uint8_array:
      return "Uint8Array";
    case napi_uint8_clamped_array:
      return "Uint8ClampedArray";
    case napi_int16_array:
      return "Int16Array";
    case napi_uint16_array:
      return "Uint16Array";
    case napi_int32_array:
      return "Int32Array";
    case napi_uint32_array:
      return "Uint32Array";
    case napi_float32_array:
      return "Float32Array";
    case napi_float64_array:
      return "Float64Array";
    case napi_bigint64_array:
      return "BigInt64Array";
    case napi_biguint64_array:
      return "BigUint64Array";
    default:
      return "another typed array";
  }
}

std::string kindOf(const Napi::Value& value) {
  if (value.IsUndefined()) return "nothing (is the field missing?)";
  if (value.IsNull()) return "null";
  if (value.IsTypedArray()) return arrayName(value.As<Napi::TypedArray>().TypedArrayType());
  if (value.IsNumber()) return "the number " + value.ToString().Utf8Value();
  if (value.IsBoolean()) return "a boolean";
  if (value.IsString()) return "a string";
  if (value.IsArray()) return "a plain array";
  if (value.IsFunction()) return "a function";
  return "another type";
}

[[noreturn]] void wrong(const Napi::Value& value, const std::string& name, const std::string& expected) {
  throw Error(kConfigError, name + " must be " + expected + ", got " + kindOf(value));
}

template <class Array, class Element>
std::vector<Element> copyArray(const Napi::Value& value, const std::string& name, napi_typedarray_type type) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    wrong(value, name, arrayName(type));
  }
  const auto array = value.As<Array>();
  return std::vector<Element>(array.Data(), array.Data() + array.ElementLength());
}

}  // namespace

std::vector<int32_t> int32Array(const Napi::Value& value, const std::string& name) {
  return copyArray<Napi::Int32Array, int32_t>(value, name, napi_int32_array);
}

std::vector<float> float32Array(const Napi::Value& value, const std::string& name) {
  return copyArray<Napi::Float32Array, float>(value, name, napi_float32_array);
}

std::vector<uint8_t> uint8Array(const Napi::Value& value, const std::string& name) {
  return copyArray<Napi::Uint8Array, uint8_t>(value, name, napi_uint8_array);
}

double number(const Napi::Value& value, const std::string& name, bool allowInfinity) {
  if (!value.IsNumber()) wrong(value, name, "a number");
  const double result = value.As<Napi::Number>().DoubleValue();
  if (std::isnan(result) || (!allowInfinity && std::isinf(result))) wrong(value, name, "a finite number");
  return result;
}

int64_t integer(const Napi::Value& value, const std::string& name, int64_t minimum, int64_t maximum) {
  const double result = number(value, name);
  if (result != std::floor(result) || result < static_cast<double>(minimum) ||
      result > static_cast<double>(maximum)) {
    std::string range = maximum == kMaxSafeInteger
                            ? "an integer of at least " + std::to_string(minimum)
                            : "an integer from " + std::to_string(minimum) + " to " + std::to_string(maximum);
    wrong(value, name, range);
  }
  return static_cast<int64_t>(result);
}

bool boolean(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) wrong(value, name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::string string(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) wrong(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::optional<Napi::Function> optionalFunction(const Napi::Value& value, const std::string& name) {
  if (value.IsUndefined() || value.IsNull()) return std::nullopt;
  if (!value.IsFunction()) wrong(value, name, "a function");
  return value.As<Napi::Function>();
}

int64_t checkOffsets(const std::vector<int32_t>& offsets, size_t total, const std::string& name) {
  if (offsets.empty() || offsets.front() != 0) throw Error(kConfigError, name + " must start with 0");
  for (size_t row = 1; row < offsets.size(); ++row) {
    if (offsets[row] < offsets[row - 1]) {
      throw Error(kConfigError, name + " must not decrease, but does at index " + std::to_string(row));
    }
  }
  if (static_cast<size_t>(offsets.back()) != total) {
    throw Error(kConfigError, name + " ends at " + std::to_string(offsets.back()) + ", but there are " +
                                  std::to_string(total) + " elements");
  }
  return static_cast<int64_t>(offsets.size()) - 1;
}

Fields::Fields(const Napi::Value& value, std::string name) : name_(std::move(name)) {
  if (!value.IsObject() || value.IsFunction()) wrong(value, name_, "an object");
  object_ = value.As<Napi::Object>();
}

Napi::Value Fields::get(const char* key) const {
  return object_.Get(key);
}

bool Fields::has(const char* key) const {
  const Napi::Value value = get(key);
  return !value.IsUndefined() && !value.IsNull();
}

std::vector<std::string> Fields::strings(const char* key) const {
  const Napi::Value value = get(key);
  if (!value.IsArray()) wrong(value, path(key), "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t index = 0; index < array.Length(); ++index) {
    result.push_back(addon::string(array.Get(index), path(key) + "[" + std::to_string(index) + "]"));
  }
  return result;
}

std::vector<double> Fields::numbers(const char* key) const {
  const Napi::Value value = get(key);
  if (!value.IsArray()) wrong(value, path(key), "an array of numbers");
  const auto array = value.As<Napi::Array>();
  std::vector<double> result;
  for (uint32_t index = 0; index < array.Length(); ++index) {
    result.push_back(addon::number(array.Get(index), path(key) + "[" + std::to_string(index) + "]"));
  }
  return result;
}

std::optional<double> Fields::optionalNumber(const char* key) const {
  if (!has(key)) return std::nullopt;
  return number(key, /*allowInfinity=*/true);
}

std::optional<std::string> Fields::optionalString(const char* key) const {
  if (!has(key)) return std::nullopt;
  return string(key);
}

}  // namespace toolr0::addon
