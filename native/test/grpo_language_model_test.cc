// The plain language-model loss and the log-probabilities of given sequences.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "check.h"
#include "grpo/packed_forward.h"
#include "grpo_tiny.h"
#include "model/decoder.h"
#include "model_batches.h"
#include "runtime/error.h"

using namespace toolr0;

namespace {

// Documents that count upwards from a random start, modulo 50: learnable from the previous token.
LanguageModelBatch countingBatch(int documents, unsigned seed) {
  std::mt19937 random(seed);
  LanguageModelBatch batch;
  batch.offsets = {0};
  for (int d = 0; d < documents; ++d) {
    const int length = 2 + static_cast<int>(random() % 12);
    int32_t token = static_cast<int32_t>(random() % 50);
    for (int i = 0; i < length; ++i) {
      batch.tokens.push_back(token);
      batch.weights.push_back(i % 5 == 4 ? 0.0f : 1.0f + static_cast<float>(i % 2));
      token = (token + 1) % 50;
    }
    batch.offsets.push_back(static_cast<int32_t>(batch.tokens.size()));
  }
  return batch;
}

void lossIsTheWeightedMeanAndSplitsExactly() {
  const auto model = check::tinyModel();
  const LanguageModelBatch batch = countingBatch(9, 1);
  const std::vector<float> logps = sequenceLogprobs(*model, batch.tokens, batch.offsets, 1.0, 4096, {});
  double sum = 0, weights = 0;
  for (size_t d = 0; d + 1 < batch.offsets.size(); ++d) {
    for (int32_t i = batch.offsets[d] + 1; i < batch.offsets[d + 1]; ++i) {
      sum -= batch.weights[i] * logps[i - 1];
      weights += batch.weights[i];
    }
  }
  TrainerOptions options;
  Trainer whole(model, options, nullptr);
  const Metrics metrics = whole.languageModelForwardBackward(batch, {});
  CHECK_NEAR(metrics.at("loss"), sum / weights, 1e-5);
  options.tokenBudget = 20;
  options.logprobChunkRows = 7;
  Trainer split(model, options, nullptr);
  CHECK(split.languageModelForwardBackward(batch, {}).at("toolr0/micro_batches") > 3);
  for (const auto& [name, norm] : whole.gradientNorms()) {
    CHECK(norm > 0 && check::relativeDifference(split.gradient(name), whole.gradient(name)) < 1e-4);
  }
}

void lossFalls(const std::string& optimizer, at::ScalarType dtype) {
  const auto model = check::tinyModel({}, 1, dtype);
  TrainerOptions options;
  options.optimizer = optimizer;
  options.learningRate = 1e-2;
  Trainer trainer(model, options, nullptr);
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    last =
        trainer.languageModelForwardBackward(countingBatch(16, static_cast<unsigned>(step)), {}).at("loss");
    if (step == 0) first = last;
    trainer.optimStep();
  }
  check::that(first > 3.5 && last < 1.0, "loss falls", __FILE__, __LINE__,
              optimizer + " " + std::to_string(first) + " -> " + std::to_string(last));
}

void badBatchesAreNamed() {
  Trainer trainer(check::tinyModel(), {}, nullptr);
  LanguageModelBatch batch{{1, 2, 3}, {0, 3}, {0, 0, 0}};
  CHECK_ERROR(trainer.languageModelForwardBackward(batch, {}), kConfigError, "no token to predict");
  batch.weights = {0, -1, 1};
  CHECK_ERROR(trainer.languageModelForwardBackward(batch, {}), kConfigError, "weights[1]");
  batch.weights = {0, 1};
  CHECK_ERROR(trainer.languageModelForwardBackward(batch, {}), kConfigError, "2 entries");
  batch.weights = {1, 1, 1};
  batch.tokens[2] = 61;
  CHECK_ERROR(trainer.languageModelForwardBackward(batch, {}), kConfigError, "tokens[2] is 61");
}

void sequenceLogprobsAreTheSoftmaxOfTheLogits() {
  const auto model = check::tinyModel({.tied = false});
  const std::vector<std::vector<int64_t>> sequences = {{5, 9, 1}, {7}, {3, 3, 60, 0, 11}};
  std::vector<int32_t> tokens, offsets{0};
  for (const auto& sequence : sequences) {
    tokens.insert(tokens.end(), sequence.begin(), sequence.end());
    offsets.push_back(static_cast<int32_t>(tokens.size()));
  }
  for (int64_t budget : {1, 100}) {
    std::vector<float> entropy;
    const auto logps = sequenceLogprobs(*model, tokens, offsets, 0.7, budget, {}, &entropy);
    CHECK(logps.size() == tokens.size() && entropy.size() == tokens.size());
    for (size_t s = 0; s < sequences.size(); ++s) {
      const PackedBatch batch = check::packSequences({sequences[s]});
      const at::Tensor logits = headLogits(*model, packedForward(*model, batch, 16)).to(at::kDouble) / 0.7;
      const at::Tensor all = at::log_softmax(logits, 1);
      for (size_t t = 0; t + 1 < sequences[s].size(); ++t) {
        CHECK_NEAR(logps[offsets[s] + t], all[t][sequences[s][t + 1]].item<double>(), 1e-5);
        CHECK_NEAR(entropy[offsets[s] + t], -(all[t].exp() * all[t]).sum().item<double>(), 1e-5);
      }
      CHECK(logps[offsets[s + 1] - 1] == 0);
    }
  }
}

}  // namespace

int main() {
  const c10::NoGradGuard noGrad;
  lossIsTheWeightedMeanAndSplitsExactly();
  for (const char* optimizer : {"adamw", "muon"}) lossFalls(optimizer, at::kFloat);
  lossFalls("adamw", at::kBFloat16);
  badBatchesAreNamed();
  sequenceLogprobsAreTheSoftmaxOfTheLogits();
  return check::report();
}
