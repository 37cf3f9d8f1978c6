#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace toolr0 {

// Finds the first completed stop string in a stream of bytes that arrives token by token (Aho–Corasick): each
// byte is looked at once, whatever the number of strings, and a sequence's whole memory is one state number.
class StopStrings {
 public:
  static constexpr int32_t kStart = 0;

  // Throws Error(kConfigError) for an empty string.
  explicit StopStrings(const std::vector<std::string>& strings);
  bool empty() const { return next_.size() == 1; }

  // Feeds `bytes` from `state` on (updated); true as soon as a stop string is complete.
  bool feed(int32_t& state, std::string_view bytes) const;

 private:
  std::vector<std::array<int32_t, 256>> next_;  // [states] dense transitions
  std::vector<bool> complete_;                  // a stop string ends in this state
};

}  // namespace toolr0
