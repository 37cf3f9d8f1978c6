#pragma once
// Reads the oracle vectors' JSON lines and turns their numbers into tensors. Where they lie: model_vectors.h.
#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "runtime/json.h"

namespace vectors {
using toolr0::Json;

inline std::vector<Json> readLines(const std::filesystem::path& file) {
  std::vector<Json> rows;
  std::ifstream in(file, std::ios::binary);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) rows.push_back(toolr0::parseJson(line));
  return rows;
}

inline double number(const Json& value) {
  if (value.isNumber()) return value.number;
  const Json* text = value.find("$float");
  if (text == nullptr || text->string == "nan") return std::numeric_limits<double>::quiet_NaN();
  return text->string == "-inf" ? -std::numeric_limits<double>::infinity()
                                : std::numeric_limits<double>::infinity();
}

// A list, or a list of equally long lists; null elements become NaN.
inline at::Tensor tensor(const Json& value) {
  std::vector<double> flat;
  std::vector<int64_t> shape{static_cast<int64_t>(value.array.size())};
  for (const Json& row : value.array) {
    if (!row.isArray()) {
      flat.push_back(number(row));
      continue;
    }
    if (shape.size() == 1) shape.push_back(static_cast<int64_t>(row.array.size()));
    for (const Json& x : row.array) flat.push_back(number(x));
  }
  return at::tensor(flat, at::kDouble).view(shape);
}

inline at::Tensor optionalTensor(const Json* value) {
  return value == nullptr || value->isNull() ? at::Tensor() : tensor(*value);
}

}  // namespace vectors
