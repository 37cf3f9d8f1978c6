// Greedy continuations of the oracle models (vectors/README.md, section E): exact, at any batch size.
#include "check.h"  // last: it replaces c10's CHECK
#include "model_vectors.h"
#include "rollout_fixture.h"

namespace {
using namespace toolr0;

std::vector<int32_t> narrow(const Json& list) {
  const std::vector<int64_t> wide = check::integers(list);
  return {wide.begin(), wide.end()};
}

void checkModel(const std::string& folder) {
  const auto model = loadModel(folder, at::kCPU, at::kFloat);
  const Json oracle = check::readOracle(folder);
  const Json &greedy = *oracle.find("greedy"), &withEos = *greedy.find("with_eos");
  RolloutRequest request;
  for (const Json& prompt : greedy.find("prompts")->array) request.prompts.push_back(narrow(prompt));
  request.maxNewTokens = greedy.find("max_new_tokens")->integer;
  request.sampling.temperature = 0;
  const auto rows = static_cast<int64_t>(request.prompts.size());
  for (const int64_t batch : {int64_t{256}, int64_t{3}, int64_t{1}}) {
    request.maxBatch = batch;
    request.stopTokenIds.clear();
    const RolloutResult whole = check::generate(*model, request);
    request.stopTokenIds = {withEos.find("eos_token_id")->integer};
    const RolloutResult stopped = check::generate(*model, request);
    for (int64_t row = 0; row < rows; ++row) {
      CHECK(check::rowTokens(whole, row) == narrow(greedy.find("continuations")->array[row]));
      CHECK(check::rowTokens(stopped, row) == narrow(withEos.find("continuations")->array[row]));
    }
  }
}
}  // namespace

int main() {
  const std::string folder = check::vectorsFolder();
  if (folder.empty()) {
    std::printf("skipped: no oracle vectors (set TOOL_R0_VECTORS)\n");
    return 77;
  }
  for (const std::string& name : check::kOracleModels) checkModel(folder + "/E_models/" + name);
  return check::report();
}
