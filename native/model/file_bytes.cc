#include "model/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/error.h"

namespace toolr0 {

std::string fileDetails(const std::string& file, const std::string& key, const std::string& value) {
  std::string details = "{\"file\":";
  details += jsonQuote(file);
  if (!key.empty()) {
    details += ',';
    details += jsonQuote(key);
    details += ':';
    details += jsonQuote(value);
  }
  details += '}';
  return details;
}

bool fileExists(const std::string& file) {
  struct stat status{};
  return ::stat(file.c_str(), &status) == 0;
}

std::string joinPath(const std::string& dir, const std::string& name) {
  if (dir.empty()) return name;
  return dir.back() == '/' ? dir + name : dir + "/" + name;
}

std::string readTextFile(const std::string& file, size_t limit) {
  const auto ioError = [&](int code) {
    return Error(kIoError, "cannot read " + file + ": " + std::strerror(code), fileDetails(file));
  };
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw Error(kModelFormatError,
                  file + " is missing; a model folder needs it (is this a Hugging Face model folder?)",
                  fileDetails(file));
    }
    throw ioError(errno);
  }
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) throw ioError(errno);
  if (!S_ISREG(status.st_mode)) throw ioError(S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
  if (static_cast<size_t>(status.st_size) > limit) {
    throw Error(kModelFormatError,
                file + " has " + std::to_string(status.st_size) + " bytes, more than the " +
                    std::to_string(limit) + " such a file may have; it is not what its name says",
                fileDetails(file));
  }
  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::read(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw ioError(errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  text.resize(done);
  return text;
}

Json readJsonFile(const std::string& file, size_t limit) {
  const std::string text = readTextFile(file, limit);
  Json json;
  try {
    json = parseJson(text);
  } catch (const JsonError& error) {
    throw Error(kModelFormatError, file + " is not valid JSON: " + error.what() + "; download it again",
                fileDetails(file));
  }
  if (!json.isObject())
    throw Error(kModelFormatError, file + " does not hold a JSON object", fileDetails(file));
  return json;
}

}  // namespace toolr0
