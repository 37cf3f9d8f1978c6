#pragma once
#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace toolr0 {

// One tensor of a safetensors file: `begin`, `end` are byte offsets into the data section.
struct SafetensorsEntry {
  std::string dtype;  // as written: F32, BF16, F16, F64, I64, …
  std::vector<int64_t> shape;
  int64_t begin = 0, end = 0;
};

// A safetensors file, memory-mapped read-only. The whole header is validated on opening: size, JSON, dtypes,
// shapes, and offsets that must tile the data section without overlap, gap or overrun. Source: the format's
// own specification (huggingface/safetensors, "Format"). Throws Error(kModelFormatError | kIoError) naming
// file, tensor and cure.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::string file);

  const std::string& file() const { return file_; }
  const std::map<std::string, SafetensorsEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool has(const std::string& name) const { return entries_.count(name) != 0; }

  // The tensor as a CPU view of the mapping, which it keeps alive. It must not be written to. Throws
  // Error(kModelFormatError) when there is none of that name or its dtype has no ATen counterpart.
  at::Tensor tensor(const std::string& name) const;

 private:
  struct Mapping;
  void parseHeader();
  void checkOffsets(int64_t dataBytes) const;
  [[noreturn]] void fail(const std::string& message, const std::string& tensor = "") const;

  std::string file_;
  std::shared_ptr<Mapping> mapping_;
  int64_t dataStart_ = 0;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

// Writes the tensors (any device; brought one at a time to contiguous CPU memory, in `dtype` when given) in
// the given order. The file appears whole or not at all: temporary name beside it, fsync, rename. Throws
// Error(kIoError) with errno's text.
void writeSafetensors(const std::string& file, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata = {},
                      std::optional<at::ScalarType> dtype = std::nullopt);

}  // namespace toolr0
