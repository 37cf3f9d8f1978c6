#pragma once
// A minimal test harness: CHECK* record failures and go on; report() prints "N passed, N failed" and gives
// the exit status. It may be included before or after libtorch, whose logging header defines a CHECK of its
// own.
#include <c10/util/Logging.h>

#include <cmath>
#include <cstdio>
#include <string>

namespace check {
inline int passed = 0, failed = 0;
inline void that(bool ok, const char* expression, const char* file, int line, const std::string& note = "") {
  if (ok) {
    ++passed;
  } else {
    ++failed;
    std::printf("FAILED %s:%d: %s %s\n", file, line, expression, note.c_str());
  }
}
inline int report() {
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
}  // namespace check

#undef CHECK
#define CHECK(expression) check::that(static_cast<bool>(expression), #expression, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, tolerance)                                                            \
  check::that(std::abs(double(a) - double(b)) <= (tolerance), #a " ~ " #b, __FILE__, __LINE__, \
              "(" + std::to_string(double(a)) + " vs " + std::to_string(double(b)) + ")")
// The expression must throw toolr0::Error with this code and a message holding `part`.
#define CHECK_ERROR(expression, expectedCode, part)                                                   \
  do {                                                                                                \
    bool matched = false;                                                                             \
    std::string seen = "no exception";                                                                \
    try {                                                                                             \
      expression;                                                                                     \
    } catch (const toolr0::Error& error) {                                                            \
      seen = error.code() + ": " + error.what();                                                      \
      matched = error.code() == (expectedCode) && seen.find(part) != std::string::npos;               \
    }                                                                                                 \
    check::that(matched, #expression " throws " #expectedCode, __FILE__, __LINE__, "(" + seen + ")"); \
  } while (0)
