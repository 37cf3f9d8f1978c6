// The policy-gradient step: packing and micro-batches must not change it, and its gradient is the loss's.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "check.h"
#include "grpo_tiny.h"
#include "runtime/error.h"

using namespace toolr0;

namespace {

struct Outcome {
  Metrics metrics;
  std::map<std::string, at::Tensor> gradients;
};

Outcome stepOf(const std::shared_ptr<Model>& model, const TrainBatch& batch, const TrainerOptions& options,
               const std::shared_ptr<Model>& reference = nullptr) {
  Trainer trainer(model, options, reference);
  Outcome out;
  out.metrics = trainer.forwardBackward(batch, {});
  for (const auto& [name, norm] : trainer.gradientNorms())
    out.gradients[name] = trainer.gradient(name).clone();
  return out;
}

void same(const char* what, const Outcome& a, const Outcome& b) {
  CHECK_NEAR(a.metrics.at("loss"), b.metrics.at("loss"), 1e-5);
  for (const auto& [name, gradient] : a.gradients) {
    const double difference = check::relativeDifference(gradient, b.gradients.at(name));
    check::that(difference < 2e-4, what, __FILE__, __LINE__,
                name + " differs by " + std::to_string(difference));
  }
  for (const auto& [name, value] : a.metrics) {
    if (name.rfind("toolr0/", 0) == 0) continue;
    check::that(std::abs(value - b.metrics.at(name)) < 1e-4, what, __FILE__, __LINE__, "metric " + name);
  }
}

// The loss from whole sequences, one by one, without packing: an independent path to the same number.
double lossOneByOne(Model& model, const TrainBatch& batch, const TrainerOptions& options) {
  const int64_t rows = static_cast<int64_t>(batch.promptOfRow.size());
  int64_t width = 0;
  for (int64_t r = 0; r < rows; ++r)
    width = std::max<int64_t>(width, batch.completionOffsets[r + 1] - batch.completionOffsets[r]);
  LossInputs in;
  in.logps = at::zeros({rows, width});
  in.mask = at::zeros({rows, width});
  in.oldLogps = at::zeros({rows, width});
  in.advantages = at::tensor(batch.advantages);
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t p = batch.promptOfRow[r];
    std::vector<int32_t> tokens(batch.promptTokens.begin() + batch.promptOffsets[p],
                                batch.promptTokens.begin() + batch.promptOffsets[p + 1]);
    const int32_t prompt = static_cast<int32_t>(tokens.size());
    const int32_t begin = batch.completionOffsets[r], end = batch.completionOffsets[r + 1];
    tokens.insert(tokens.end(), batch.completionTokens.begin() + begin, batch.completionTokens.begin() + end);
    const auto logps = sequenceLogprobs(model, tokens, {0, static_cast<int32_t>(tokens.size())},
                                        options.temperature, 64, {});
    for (int32_t t = 0; t < end - begin; ++t) {
      in.logps[r][t] = logps[prompt - 1 + t];
      in.oldLogps[r][t] = batch.oldLogprobs[begin + t];
      in.mask[r][t] = 1;
    }
  }
  return grpoLoss(in, options.loss).loss.item<double>();
}

TrainerOptions baseOptions(const std::string& lossType) {
  TrainerOptions options;
  options.loss.lossType = lossType;
  options.loss.maxCompletionLength = 16;
  options.temperature = 0.9;
  options.logprobChunkRows = 13;
  return options;
}

void packingAndMicroBatchesDoNotMatter() {
  for (const char* type : {"grpo", "bnpo", "dr_grpo", "dapo", "cispo", "luspo", "sapo", "vespo"}) {
    const auto model = check::tinyModel({.tied = std::string(type) != "dapo"});
    const TrainBatch batch = check::randomBatch(*model, 4, 3, 10, 7);
    TrainerOptions options = baseOptions(type);
    const Outcome whole = stepOf(model, batch, options);
    CHECK(whole.metrics.at("toolr0/micro_batches") == 1);
    CHECK_NEAR(whole.metrics.at("loss"), lossOneByOne(*model, batch, options), 2e-5);
    options.tokenBudget = 1;  // one row at a time: no sharing at all
    const Outcome single = stepOf(model, batch, options);
    CHECK(single.metrics.at("toolr0/micro_batches") == 12);
    same(type, single, whole);
    options.tokenBudget = 30;  // groups are split and their prompts repeated
    options.activationCheckpointing = true;
    same(type, stepOf(model, batch, options), whole);
  }
}

void variantsSplitExactly() {
  const auto model = check::tinyModel(), reference = check::tinyModel({}, 2);
  TrainBatch batch = check::randomBatch(*model, 3, 4, 9, 11);
  batch.rowMask.assign(12, 1);
  batch.rowMask[2] = batch.rowMask[9] = 0;
  batch.samplingLogprobs[3] = std::numeric_limits<float>::quiet_NaN();
  for (int variant = 0; variant < 4; ++variant) {
    TrainerOptions options = baseOptions("dapo");
    if (variant == 0) options.loss.beta = 0.1;
    if (variant == 1) options.loss.topEntropyQuantile = 0.4;
    if (variant == 2) options.loss.rolloutIs = "sequence_mask", options.loss.rolloutIsMax = 1.2;
    if (variant == 3)
      options.loss.importanceSamplingLevel = "sequence", options.loss.offPolicyMaskThreshold = 0.01;
    const Outcome whole = stepOf(model, batch, options, reference);
    options.tokenBudget = 25;
    const Outcome split = stepOf(model, batch, options, reference);
    CHECK(split.metrics.at("toolr0/micro_batches") > 1);
    same("variant", split, whole);
    CHECK(whole.metrics.count("sampling/sampling_logp_difference/mean") == 1);
    CHECK(whole.metrics.at("toolr0/logp_mismatch_share_outside_0.9_1.1") > 0);
  }
}

void zeroAdvantageRowsAreSkippedExactly() {
  const auto model = check::tinyModel();
  TrainBatch batch = check::randomBatch(*model, 3, 4, 9, 5);
  for (int row : {0, 1, 2, 3, 6}) batch.advantages[row] = 0;
  TrainerOptions options = baseOptions("grpo");
  const Outcome skipping = stepOf(model, batch, options);
  CHECK(skipping.metrics.at("toolr0/skipped_rows") == 5);
  options.loss.beta = 1e-30;  // forces every row through the model and adds nothing
  const Outcome all = stepOf(model, batch, options, model);
  CHECK(all.metrics.at("toolr0/skipped_rows") == 0);
  CHECK(skipping.metrics.at("toolr0/train_tokens") < all.metrics.at("toolr0/train_tokens"));
  CHECK_NEAR(skipping.metrics.at("loss"), all.metrics.at("loss"), 1e-6);
  for (const char* name :
       {"clip_ratio/low_mean", "clip_ratio/high_mean", "clip_ratio/low_min", "clip_ratio/high_max"}) {
    CHECK_NEAR(skipping.metrics.at(name), all.metrics.at(name), 1e-6);
  }
  for (const auto& [name, gradient] : skipping.gradients) {
    CHECK(check::relativeDifference(gradient, all.gradients.at(name)) < 1e-4);
  }
  std::fill(batch.advantages.begin(), batch.advantages.end(), 0.0f);
  const Outcome none = stepOf(model, batch, baseOptions("grpo"));
  CHECK(none.metrics.at("loss") == 0 && none.metrics.at("toolr0/train_tokens") == 0);
  CHECK(none.gradients.at("model.norm.weight").eq(0).all().item<bool>());
}

void gradientIsTheDerivativeOfTheLoss() {
  const auto model = check::tinyModel();
  const TrainBatch batch = check::randomBatch(*model, 3, 3, 9, 3);
  const TrainerOptions options = baseOptions("dapo");
  const Outcome at0 = stepOf(model, batch, options);
  for (const char* name : {"model.embed_tokens.weight", "model.layers.0.self_attn.k_proj.weight",
                           "model.layers.1.mlp.up_proj.weight", "model.layers.0.self_attn.q_proj.bias"}) {
    const at::Tensor& gradient = at0.gradients.at(name);
    const at::Tensor direction = gradient / gradient.norm();  // moving along the gradient gives its norm
    Trainer trainer(model, options, nullptr);
    at::Tensor weight = trainer.parameter(name);
    const double h = 2e-3;
    weight.add_(direction, h);
    const double up = trainer.forwardBackward(batch, {}).at("loss");
    weight.add_(direction, -2 * h);
    const double down = trainer.forwardBackward(batch, {}).at("loss");
    weight.add_(direction, h);
    const double slope = (up - down) / (2 * h), norm = gradient.norm().item<double>();
    check::that(std::abs(slope - norm) < 0.02 * norm + 1e-4, name, __FILE__, __LINE__,
                std::to_string(slope) + " vs " + std::to_string(norm));
  }
}

void abortLeavesNothingBehind() {
  const auto model = check::tinyModel();
  const TrainBatch batch = check::randomBatch(*model, 2, 2, 5, 3);
  Trainer trainer(model, baseOptions("grpo"), nullptr);
  trainer.forwardBackward(batch, {});
  CancelToken cancel;
  cancel.requested = true;
  const at::Tensor before = model->weights.embedding.clone();
  CHECK_ERROR(trainer.forwardBackward(batch, cancel), kAbortedError, "aborted");
  CHECK(trainer.gradient("model.norm.weight").eq(0).all().item<bool>());
  CHECK(model->weights.embedding.equal(before) && trainer.step() == 0);
}

void badBatchesAreNamed() {
  const auto model = check::tinyModel();
  const TrainBatch good = check::randomBatch(*model, 2, 2, 5, 3);
  Trainer trainer(model, baseOptions("grpo"), nullptr);
  const auto broken = [&](auto change) {
    TrainBatch bad = good;
    change(bad);
    return bad;
  };
  CHECK_ERROR(trainer.forwardBackward(broken([](TrainBatch& b) { b.promptTokens[1] = 61; }), {}),
              kConfigError, "promptTokens[1] is 61");
  CHECK_ERROR(trainer.forwardBackward(broken([](TrainBatch& b) { b.completionTokens[0] = -1; }), {}),
              kConfigError, "completionTokens[0]");
  CHECK_ERROR(trainer.forwardBackward(broken([](TrainBatch& b) { b.promptOfRow[3] = 2; }), {}), kConfigError,
              "promptOfRow[3] is 2");
  CHECK_ERROR(trainer.forwardBackward(broken([](TrainBatch& b) { b.advantages.pop_back(); }), {}),
              kConfigError, "advantages has 3");
  CHECK_ERROR(trainer.forwardBackward(broken([](TrainBatch& b) { b.promptOffsets[1] = 0; }), {}),
              kConfigError, "prompt 0 is empty");
  CHECK_ERROR(trainer.forwardBackward(broken([](TrainBatch& b) { b.completionOffsets[1] = 999; }), {}),
              kConfigError, "completionOffsets");
  CHECK_ERROR(trainer.forwardBackward(TrainBatch{{}, {0}, {}, {0}, {}, {}, {}, {}, {}}, {}), kConfigError,
              "no rows");
  TrainBatch long_ = good;
  long_.completionTokens.assign(600, 1);
  long_.completionOffsets = {0, 600};
  long_.promptOfRow = {0};
  long_.advantages = {1};
  long_.samplingLogprobs.clear();
  long_.oldLogprobs.clear();
  CHECK_ERROR(trainer.forwardBackward(long_, {}), kConfigError, "context of 512");
  TrainerOptions options = baseOptions("ppo");
  CHECK_ERROR(Trainer(model, options, nullptr), kConfigError, "lossType must be one of grpo, bnpo");
  options = baseOptions("grpo");
  options.loss.beta = 0.1;
  Trainer unreferenced(model, options, nullptr);
  CHECK_ERROR(unreferenced.forwardBackward(good, {}), kConfigError, "refLogprobs");
  options = baseOptions("grpo");
  options.scheduler = "cosine";
  CHECK_ERROR(Trainer(model, options, nullptr), kConfigError, "totalSteps");
}

}  // namespace

int main() {
  const c10::NoGradGuard noGrad;
  packingAndMicroBatchesDoNotMatter();
  variantsSplitExactly();
  zeroAdvantageRowsAreSkippedExactly();
  gradientIsTheDerivativeOfTheLoss();
  abortLeavesNothingBehind();
  badBatchesAreNamed();
  return check::report();
}
