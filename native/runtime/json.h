#pragma once
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace toolr0 {

// What parseJson reports: `offset` is the byte at which the text stops being JSON.
class JsonError : public std::runtime_error {
 public:
  JsonError(size_t offset, const std::string& message)
      : std::runtime_error(message + " at byte " + std::to_string(offset)), offset(offset) {}
  size_t offset;
};

// One JSON value. Numbers keep their double value and, when they were written as integers that fit, their
// int64 value.
class Json {
 public:
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject };
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json>;

  Type type = Type::kNull;
  bool boolean = false;
  bool isInteger = false;  // written without fraction or exponent and within int64
  int64_t integer = 0;
  double number = 0.0;
  std::string string;
  Array array;
  Object object;

  bool isNull() const { return type == Type::kNull; }
  bool isBool() const { return type == Type::kBool; }
  bool isNumber() const { return type == Type::kNumber; }
  bool isString() const { return type == Type::kString; }
  bool isArray() const { return type == Type::kArray; }
  bool isObject() const { return type == Type::kObject; }
  // The member of that name; nullptr when this is no object or has none.
  const Json* find(const std::string& key) const;
};

// Strict RFC 8259 in UTF-8: no comments, no trailing commas, no NaN, no repeated keys, nothing after the
// value; nesting is bounded by `maxDepth` so that hostile text cannot exhaust the stack. Throws JsonError.
Json parseJson(std::string_view text, int maxDepth = 64);

// `text` as a JSON string literal, quotes included. Bytes that are not UTF-8 are written as U+FFFD.
std::string jsonQuote(std::string_view text);

}  // namespace toolr0
