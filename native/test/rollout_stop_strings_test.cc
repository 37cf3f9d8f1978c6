// The stop-string matcher against a search of the whole text, on random splits into tokens.
#include <random>

#include "check.h"  // last: it replaces c10's CHECK
#include "rollout/stop_strings.h"
#include "runtime/error.h"

namespace {
using toolr0::StopStrings;

// Length of the shortest prefix of `text` that holds a stop string; npos if none.
size_t firstMatchEnd(const std::vector<std::string>& stops, const std::string& text) {
  size_t best = std::string::npos;
  for (const std::string& stop : stops) {
    const size_t at = text.find(stop);
    if (at != std::string::npos) best = std::min(best, at + stop.size());
  }
  return best;
}

void checkRandomSplits() {
  const std::vector<std::vector<std::string>> sets = {{"ab"},         {"aaa"},
                                                      {"abab", "bb"}, {"abcabd", "cab", "bd"},
                                                      {"a", "bcb"},   {std::string("\0a", 2), "\xff\xc3"}};
  const std::string alphabet("abc\0\xff\xc3", 6);
  std::mt19937 random(1);
  int wrong = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    const auto& stops = sets[random() % sets.size()];
    std::string text;
    for (unsigned i = random() % 30; i > 0; --i) text += alphabet[random() % alphabet.size()];
    const size_t expected = firstMatchEnd(stops, text);
    const StopStrings matcher(stops);
    int32_t state = StopStrings::kStart;
    bool found = false;
    size_t position = 0;
    while (position < text.size() && !found) {
      const size_t length = std::min<size_t>(random() % 4, text.size() - position);  // tokens may be empty
      found = matcher.feed(state, std::string_view(text).substr(position, length));
      // Found in the very token that completes the first stop string, and not before.
      const bool due = expected != std::string::npos && expected <= position + length;
      wrong += found != due;
      position += length;
    }
  }
  CHECK(wrong == 0);
}
}  // namespace

int main() {
  checkRandomSplits();
  CHECK(StopStrings({}).empty());
  CHECK(!StopStrings({"x"}).empty());
  CHECK_ERROR(StopStrings({"a", ""}), toolr0::kConfigError, "empty");
  return check::report();
}
