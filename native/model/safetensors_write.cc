#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "model/file_bytes.h"
#include "model/safetensors.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

std::string dtypeName(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return "F64";
    case at::kFloat:
      return "F32";
    case at::kHalf:
      return "F16";
    case at::kBFloat16:
      return "BF16";
    case at::kLong:
      return "I64";
    case at::kInt:
      return "I32";
    case at::kShort:
      return "I16";
    case at::kChar:
      return "I8";
    case at::kByte:
      return "U8";
    case at::kBool:
      return "BOOL";
    default:
      throw Error(kNativeError, std::string("safetensors cannot hold dtype ") + c10::toString(type));
  }
}

std::string headerText(const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata,
                       std::optional<at::ScalarType> dtype) {
  std::string header = "{\"__metadata__\":{";
  std::string separator;
  for (const auto& [key, value] : metadata) {
    header += separator + jsonQuote(key) + ":" + jsonQuote(value);
    separator = ",";
  }
  header += "}";
  int64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const at::ScalarType type = dtype.value_or(tensor.scalar_type());
    header += "," + jsonQuote(name) + ":{\"dtype\":\"" + dtypeName(type) + "\",\"shape\":[";
    for (int64_t i = 0; i < tensor.dim(); ++i) {
      if (i > 0) header += ',';
      header += std::to_string(tensor.size(i));
    }
    const int64_t end = offset + tensor.numel() * static_cast<int64_t>(c10::elementSize(type));
    header += "],\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(end) + "]}";
    offset = end;
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');  // the data section starts 8-byte aligned
  return header;
}

// A file under a temporary name that becomes `file` on commit() and vanishes otherwise.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& file)
      : file_(file), temporary_(file + ".tmp-" + std::to_string(::getpid())) {
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("create", errno);
  }
  ~AtomicFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!committed_) ::unlink(temporary_.c_str());
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size) {
    const char* bytes = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t count = ::write(descriptor_, bytes, std::min(size, size_t{1} << 30));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("write", errno);
      bytes += count;
      size -= static_cast<size_t>(count);
    }
  }

  void commit() {
    if (::fsync(descriptor_) != 0) fail("flush", errno);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail("close", errno);
    if (::rename(temporary_.c_str(), file_.c_str()) != 0) fail("rename to", errno);
    committed_ = true;
    // The rename itself survives a power cut only once the directory is flushed; not every file system allows
    // that.
    const size_t slash = file_.rfind('/');
    const std::string dir = slash == std::string::npos ? "." : slash == 0 ? "/" : file_.substr(0, slash);
    const int directory = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
      ::fsync(directory);
      ::close(directory);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& action, int code) const {
    std::string cure;
    if (code == ENOSPC || code == EDQUOT) cure = "; free some space or choose another folder";
    if (code == EACCES || code == EPERM || code == EROFS) cure = "; choose a folder that you may write to";
    if (code == ENOENT) cure = "; create the folder first";
    throw Error(kIoError, "cannot " + action + " " + file_ + ": " + std::strerror(code) + cure,
                fileDetails(file_));
  }

  std::string file_, temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

}  // namespace

void writeSafetensors(const std::string& file, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata,
                      std::optional<at::ScalarType> dtype) {
  const std::string header = headerText(tensors, metadata, dtype);
  AtomicFile out(file);
  const uint64_t headerBytes = header.size();
  out.write(&headerBytes, 8);
  out.write(header.data(), header.size());
  for (const auto& entry : tensors) {
    const at::Tensor& tensor = entry.second;
    const at::Tensor bytes = tensor.to(at::kCPU, dtype.value_or(tensor.scalar_type())).contiguous();
    out.write(bytes.data_ptr(), bytes.nbytes());
  }
  out.commit();
}

}  // namespace toolr0
