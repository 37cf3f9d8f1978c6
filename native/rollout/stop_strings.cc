#include "rollout/stop_strings.h"

#include "runtime/error.h"

namespace toolr0 {

StopStrings::StopStrings(const std::vector<std::string>& strings) : next_(1), complete_(1) {
  next_[0].fill(kStart);  // 0 doubles as "no child" while the trie is built: no edge leads to the root
  for (const std::string& text : strings) {
    if (text.empty())
      throw Error(kConfigError, "a stop string is empty; it would end every completion at once");
    int32_t state = kStart;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (next_[state][byte] == kStart) {
        next_[state][byte] = static_cast<int32_t>(next_.size());
        next_.emplace_back().fill(kStart);
        complete_.push_back(false);
      }
      state = next_[state][byte];
    }
    complete_[state] = true;
  }
  // Breadth first: a state's fallback (its longest proper suffix in the trie) is shallower, hence finished
  // before it.
  std::vector<int32_t> fallback(next_.size(), kStart), order = {kStart};
  for (size_t i = 0; i < order.size(); ++i) {
    const int32_t state = order[i];
    if (complete_[fallback[state]]) complete_[state] = true;
    for (int byte = 0; byte < 256; ++byte) {
      const int32_t child = next_[state][byte];
      const int32_t other = state == kStart ? kStart : next_[fallback[state]][byte];
      if (child == kStart) {
        next_[state][byte] = other;
      } else {
        fallback[child] = other;
        order.push_back(child);
      }
    }
  }
}

bool StopStrings::feed(int32_t& state, std::string_view bytes) const {
  for (const char c : bytes) {
    state = next_[state][static_cast<unsigned char>(c)];
    if (complete_[state]) return true;
  }
  return false;
}

}  // namespace toolr0
