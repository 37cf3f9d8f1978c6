#pragma once
#include <napi.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace toolr0::addon {

// Results are copied into memory that JS owns: external buffers are freed only by a turning event loop, and
// Electron and Deno refuse them.
template <class Array, class Element>
Array toTypedArray(Napi::Env env, const Element* data, size_t count) {
  Array array = Array::New(env, count);
  static_assert(sizeof(*array.Data()) == sizeof(Element));
  if (count > 0) std::memcpy(array.Data(), data, count * sizeof(Element));
  return array;
}

inline Napi::Int32Array toInt32Array(Napi::Env env, const std::vector<int32_t>& values) {
  return toTypedArray<Napi::Int32Array>(env, values.data(), values.size());
}

inline Napi::Float32Array toFloat32Array(Napi::Env env, const std::vector<float>& values) {
  return toTypedArray<Napi::Float32Array>(env, values.data(), values.size());
}

inline Napi::Object toObject(Napi::Env env, const std::map<std::string, double>& values) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, value] : values) object.Set(name, Napi::Number::New(env, value));
  return object;
}

inline Napi::Number toNumber(Napi::Env env, int64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

}  // namespace toolr0::addon
