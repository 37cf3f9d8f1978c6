#pragma once
#include <string>

#include "runtime/json.h"

namespace toolr0 {

// Error details {"file": …, "tensor" or "field": …} as the addon passes them to JavaScript.
std::string fileDetails(const std::string& file, const std::string& key = "", const std::string& value = "");

// Whole small text file. Throws Error(kModelFormatError) when it is absent, Error(kIoError) when it cannot be
// read, is no regular file or is larger than `limit` bytes.
std::string readTextFile(const std::string& file, size_t limit);

// Reads and parses a JSON object. Throws like readTextFile, and Error(kModelFormatError) when it is not one.
Json readJsonFile(const std::string& file, size_t limit);

bool fileExists(const std::string& file);
std::string joinPath(const std::string& dir, const std::string& name);

}  // namespace toolr0
