#include "model/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "model/file_bytes.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format's own reader

struct DtypeInfo {
  int64_t bytes;
  at::ScalarType scalarType;  // Undefined: known to the format, not to this reader
};

const std::map<std::string, DtypeInfo>& dtypes() {
  static const std::map<std::string, DtypeInfo> kDtypes = {
      {"F64", {8, at::kDouble}},
      {"F32", {4, at::kFloat}},
      {"F16", {2, at::kHalf}},
      {"BF16", {2, at::kBFloat16}},
      {"I64", {8, at::kLong}},
      {"I32", {4, at::kInt}},
      {"I16", {2, at::kShort}},
      {"I8", {1, at::kChar}},
      {"U8", {1, at::kByte}},
      {"BOOL", {1, at::kBool}},
      {"U64", {8, at::ScalarType::Undefined}},
      {"U32", {4, at::ScalarType::Undefined}},
      {"U16", {2, at::ScalarType::Undefined}},
      {"F8_E4M3", {1, at::ScalarType::Undefined}},
      {"F8_E5M2", {1, at::ScalarType::Undefined}},
      {"F8_E8M0", {1, at::ScalarType::Undefined}},
  };
  return kDtypes;
}

}  // namespace

// The mapped bytes of a file; closed with the last tensor that views them.
struct SafetensorsFile::Mapping {
  const char* bytes = nullptr;
  size_t size = 0;
  ~Mapping() {
    if (bytes != nullptr) ::munmap(const_cast<char*>(bytes), size);
  }
};

void SafetensorsFile::fail(const std::string& message, const std::string& tensor) const {
  throw Error(kModelFormatError, file_ + ": " + message,
              tensor.empty() ? fileDetails(file_) : fileDetails(file_, "tensor", tensor));
}

SafetensorsFile::SafetensorsFile(std::string file)
    : file_(std::move(file)), mapping_(std::make_shared<Mapping>()) {
  const int descriptor = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const int code = errno;
    if (code == ENOENT) fail("no such file; download it");
    throw Error(kIoError, "cannot open " + file_ + ": " + std::strerror(code), fileDetails(file_));
  }
  struct stat status{};
  const bool readable = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  if (readable && status.st_size > 0) {
    void* bytes = ::mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) {
      const int code = errno;
      ::close(descriptor);
      throw Error(kIoError, "cannot map " + file_ + ": " + std::strerror(code), fileDetails(file_));
    }
    mapping_->bytes = static_cast<const char*>(bytes);
    mapping_->size = static_cast<size_t>(status.st_size);
  }
  ::close(descriptor);
  if (!readable)
    throw Error(kIoError, "cannot read " + file_ + ": it is not a regular file", fileDetails(file_));
  parseHeader();
}

void SafetensorsFile::parseHeader() {
  const std::string cure = "; the file is truncated or no safetensors file, download it again";
  if (mapping_->size < 8)
    fail("has " + std::to_string(mapping_->size) + " bytes, too few for a header" + cure);
  uint64_t headerBytes = 0;
  std::memcpy(&headerBytes, mapping_->bytes, 8);
  if (headerBytes > kMaxHeaderBytes || headerBytes > mapping_->size - 8) {
    fail("claims a header of " + std::to_string(headerBytes) + " bytes in a file of " +
         std::to_string(mapping_->size) + cure);
  }
  dataStart_ = 8 + static_cast<int64_t>(headerBytes);
  Json header;
  try {
    header = parseJson({mapping_->bytes + 8, static_cast<size_t>(headerBytes)}, 8);
  } catch (const JsonError& error) {
    fail(std::string("the header is not valid JSON: ") + error.what() + cure);
  }
  if (!header.isObject()) fail("the header is not a JSON object" + cure);
  for (const auto& [name, value] : header.object) {
    if (name == "__metadata__") {
      if (!value.isObject()) fail("__metadata__ is not an object" + cure);
      for (const auto& [key, text] : value.object) {
        if (!text.isString()) fail("__metadata__." + key + " is not a string" + cure);
        metadata_[key] = text.string;
      }
      continue;
    }
    SafetensorsEntry entry;
    const std::string where = "tensor " + jsonQuote(name);
    const Json* dtype = value.find("dtype");
    const Json* shape = value.find("shape");
    const Json* offsets = value.find("data_offsets");
    if (dtype == nullptr || !dtype->isString() || shape == nullptr || !shape->isArray() ||
        offsets == nullptr || !offsets->isArray() || offsets->array.size() != 2) {
      fail(where + " lacks a well-formed dtype, shape or data_offsets" + cure, name);
    }
    const auto known = dtypes().find(dtype->string);
    if (known == dtypes().end()) fail(where + " has the unknown dtype " + jsonQuote(dtype->string), name);
    entry.dtype = dtype->string;
    int64_t bytes = known->second.bytes;
    for (const Json& dimension : shape->array) {
      if (!dimension.isInteger || dimension.integer < 0)
        fail(where + " has a shape that is not made of sizes" + cure, name);
      entry.shape.push_back(dimension.integer);
      if (__builtin_mul_overflow(bytes, dimension.integer, &bytes))
        fail(where + " has an absurdly large shape" + cure, name);
    }
    const Json& begin = offsets->array[0];
    const Json& end = offsets->array[1];
    if (!begin.isInteger || !end.isInteger || begin.integer < 0 || end.integer < begin.integer) {
      fail(where + " has bad data_offsets" + cure, name);
    }
    entry.begin = begin.integer;
    entry.end = end.integer;
    if (entry.end - entry.begin != bytes) {
      fail(where + " needs " + std::to_string(bytes) +
               " bytes for its shape and dtype, but its data_offsets span " +
               std::to_string(entry.end - entry.begin) + cure,
           name);
    }
    entries_.emplace(name, std::move(entry));
  }
  checkOffsets(static_cast<int64_t>(mapping_->size) - dataStart_);
}

void SafetensorsFile::checkOffsets(int64_t dataBytes) const {
  std::vector<std::pair<const SafetensorsEntry*, const std::string*>> ordered;
  for (const auto& [name, entry] : entries_) ordered.emplace_back(&entry, &name);
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first->begin, a.first->end) < std::pair(b.first->begin, b.first->end);
  });
  int64_t covered = 0;
  for (const auto& [entry, name] : ordered) {
    const std::string where = "tensor " + jsonQuote(*name);
    if (entry->end > dataBytes) {
      fail(where + " ends at byte " + std::to_string(entry->end) + " of the data, but the file holds only " +
               std::to_string(dataBytes) + "; the file is truncated, download it again",
           *name);
    }
    if (entry->begin < covered)
      fail(where + " overlaps the tensor before it; the file is corrupt, download it again", *name);
    if (entry->begin > covered)
      fail(where + " leaves a gap before it; the file is corrupt, download it again", *name);
    covered = entry->end;
  }
  if (covered != dataBytes) {
    fail("holds " + std::to_string(dataBytes - covered) +
         " bytes after its last tensor; the file is corrupt, download it again");
  }
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail("has no tensor " + jsonQuote(name), name);
  const SafetensorsEntry& entry = found->second;
  const DtypeInfo info = dtypes().at(entry.dtype);
  if (info.scalarType == at::ScalarType::Undefined) {
    fail("tensor " + jsonQuote(name) + " has dtype " + entry.dtype +
             ", which is not supported; convert the model to BF16, F16 or F32",
         name);
  }
  const char* data = mapping_->bytes + dataStart_ + entry.begin;
  const at::TensorOptions options = at::TensorOptions().dtype(info.scalarType);
  if (entry.begin == entry.end) return at::empty(entry.shape, options);
  if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(info.bytes) != 0) {
    // Nothing in the format aligns the data section; unaligned loads through typed pointers are undefined.
    at::Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.data_ptr(), data, static_cast<size_t>(entry.end - entry.begin));
    return copy;
  }
  return at::from_blob(const_cast<char*>(data), entry.shape, [mapping = mapping_](void*) {}, options);
}

}  // namespace toolr0
