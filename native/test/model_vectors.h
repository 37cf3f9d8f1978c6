#pragma once
// Where the oracle vectors of section E lie, and readers for them. Absent vectors make a test skip, never
// pass.
#include <ATen/ATen.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "model/file_bytes.h"
#include "runtime/json.h"

namespace check {
inline const std::vector<std::string> kOracleModels = {"qwen2_gqa_tied", "llama3rope_gqa",
                                                       "qwen2_sharded_bf16", "qwen3_headdim_tied"};

// TOOL_R0_VECTORS, or ../shared/vectors beside the repository; "" when there are none.
inline std::string vectorsFolder() {
  std::vector<std::string> candidates;
  if (const char* given = std::getenv("TOOL_R0_VECTORS")) candidates.push_back(given);
  const auto repository = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  candidates.push_back((repository.parent_path() / "shared" / "vectors").string());
  for (const std::string& candidate : candidates) {
    if (std::filesystem::exists(candidate + "/E_models")) return candidate;
  }
  return "";
}

inline toolr0::Json readOracle(const std::string& modelFolder) {
  return toolr0::readJsonFile(modelFolder + "/oracle.json", size_t{1} << 28);
}
inline std::vector<int64_t> integers(const toolr0::Json& array) {
  std::vector<int64_t> out;
  for (const auto& value : array.array) out.push_back(value.integer);
  return out;
}
inline std::vector<double> numbers(const toolr0::Json& array) {
  std::vector<double> out;
  for (const auto& value : array.array) out.push_back(value.number);
  return out;
}
}  // namespace check
