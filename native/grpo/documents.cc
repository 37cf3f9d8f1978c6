#include "grpo/documents.h"

namespace toolr0 {

std::vector<std::vector<int32_t>> planDocuments(const std::vector<int64_t>& lengths, int64_t tokenBudget) {
  std::vector<std::vector<int32_t>> plan;
  int64_t used = 0;
  for (size_t document = 0; document < lengths.size(); ++document) {
    if (lengths[document] == 0) continue;
    if (plan.empty() || used + lengths[document] > tokenBudget) {
      plan.emplace_back();
      used = 0;
    }
    plan.back().push_back(static_cast<int32_t>(document));
    used += lengths[document];
  }
  return plan;
}

}  // namespace toolr0
