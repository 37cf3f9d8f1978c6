// Section E of the oracle vectors: one and two GRPO + AdamW steps of the tiny models against PyTorch.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <cstdio>

#include "check.h"
#include "grpo/trainer.h"
#include "grpo_tiny.h"
#include "model/safetensors.h"
#include "model_vectors.h"
#include "vectors.h"

using namespace toolr0;

namespace {

void near(const std::string& what, double got, double want, double tolerance) {
  check::that(std::abs(got - want) <= tolerance, what.c_str(), __FILE__, __LINE__,
              std::to_string(got) + " vs " + std::to_string(want));
}

std::vector<float> flattened(const Json& lists) {
  std::vector<float> out;
  for (const Json& list : lists.array)
    for (const Json& value : list.array) out.push_back(static_cast<float>(value.number));
  return out;
}

// Equal neighbouring prompts become one prompt with several completions.
TrainBatch batchOf(const Json& grpo) {
  TrainBatch batch;
  batch.promptOffsets = batch.completionOffsets = {0};
  const Json::Array &prompts = grpo.find("prompts")->array, &completions = grpo.find("completions")->array;
  for (size_t row = 0; row < prompts.size(); ++row) {
    if (row == 0 || check::integers(prompts[row]) != check::integers(prompts[row - 1])) {
      for (int64_t id : check::integers(prompts[row])) batch.promptTokens.push_back(static_cast<int32_t>(id));
      batch.promptOffsets.push_back(static_cast<int32_t>(batch.promptTokens.size()));
    }
    batch.promptOfRow.push_back(static_cast<int32_t>(batch.promptOffsets.size()) - 2);
    for (int64_t id : check::integers(completions[row]))
      batch.completionTokens.push_back(static_cast<int32_t>(id));
    batch.completionOffsets.push_back(static_cast<int32_t>(batch.completionTokens.size()));
    batch.advantages.push_back(static_cast<float>(grpo.find("advantages")->array[row].number));
  }
  batch.oldLogprobs = flattened(*grpo.find("old_logps"));
  if (!grpo.find("ref_logps")->isNull()) batch.refLogprobs = flattened(*grpo.find("ref_logps"));
  return batch;
}

TrainerOptions optionsOf(const Json& grpo) {
  const Json &config = *grpo.find("config"), &adamw = *grpo.find("adamw");
  TrainerOptions options;
  options.temperature = config.find("temperature")->number;
  options.loss.lossType = config.find("loss_type")->string;
  options.loss.epsilon = config.find("epsilon")->number;
  options.loss.epsilonHigh = config.find("epsilon_high")->number;
  options.loss.beta = config.find("beta")->number;
  options.loss.maxCompletionLength = config.find("max_completion_length")->integer;
  options.loss.importanceSamplingLevel = config.find("importance_sampling_level")->string;
  options.loss.useBiasCorrectionKl = config.find("use_bias_correction_kl")->boolean;
  options.learningRate = adamw.find("lr")->number;
  options.beta1 = adamw.find("betas")->array[0].number;
  options.beta2 = adamw.find("betas")->array[1].number;
  options.epsilon = adamw.find("eps")->number;
  options.weightDecay = adamw.find("weight_decay")->number;
  options.maxGradNorm = adamw.find("max_grad_norm")->number;
  options.activationCheckpointing = options.loss.beta != 0;  // both paths are exercised
  return options;
}

struct Checker {
  Trainer& trainer;
  const Json& params;
  std::string model;

  void gradientNorms(const char* key) {
    const auto norms = trainer.gradientNorms();
    for (const auto& [name, expected] : params.object) {
      const double want = expected.find(key)->number;
      near(model + " " + key + " " + name, norms.at(name), want, 1e-4 * want + 1e-7);
    }
    CHECK(norms.size() == params.object.size());
  }
  void weights(const char* normKey, size_t entryColumn) {
    for (const auto& [name, expected] : params.object) {
      const at::Tensor weight = trainer.parameter(name);
      const double want = expected.find(normKey)->number;
      near(model + " " + normKey + " " + name, weight.norm().item<double>(), want, 1e-4 * want);
      const at::Tensor flat = weight.reshape({-1});
      for (const Json& entry : expected.find("entries")->array) {
        near(model + " entry " + name, flat[entry.array[0].integer].item<double>(),
             entry.array[entryColumn].number, 2e-6);
      }
    }
  }
};

void checkModel(const std::string& name, const std::string& folder) {
  const Json oracle = check::readOracle(folder);
  const Json& grpo = *oracle.find("grpo");
  const TrainBatch batch = batchOf(grpo);
  const TrainerOptions options = optionsOf(grpo);
  const auto model = loadModel(folder, at::kCPU, at::kFloat);
  Trainer trainer(model, options, nullptr);
  Checker checker{trainer, *grpo.find("params"), name};
  const Metrics first = trainer.forwardBackward(batch, {});
  near(name + " loss", first.at("loss"), grpo.find("loss")->number, 1e-5);
  checker.gradientNorms("grad_norm");
  const SafetensorsFile tensors(folder + "/oracle.safetensors");
  for (const auto& [key, entry] : tensors.entries()) {
    if (key.rfind("grad.", 0) != 0) continue;
    const double difference = check::relativeDifference(trainer.gradient(key.substr(5)), tensors.tensor(key));
    check::that(difference < 1e-4, key.c_str(), __FILE__, __LINE__, std::to_string(difference));
  }
  const double norm = grpo.find("grad_total_norm")->number,
               norm2 = grpo.find("grad_total_norm_step2")->number;
  near(name + " total norm", trainer.optimStep().at("grad_norm"), norm, 1e-4 * norm);
  checker.weights("norm1", 3);
  const Metrics second = trainer.forwardBackward(batch, {});
  near(name + " loss of step 2", second.at("loss"), grpo.find("loss_step2")->number, 1e-4);
  checker.gradientNorms("grad_norm_step2");
  near(name + " total norm of step 2", trainer.optimStep().at("grad_norm"), norm2, 1e-4 * norm2);
  checker.weights("norm2", 5);
}

}  // namespace

int main() {
  const c10::NoGradGuard noGrad;
  const std::string vectors = check::vectorsFolder();
  if (vectors.empty()) {
    std::printf("skipped: no oracle vectors (set TOOL_R0_VECTORS)\n");
    return 77;
  }
  for (const std::string& name : check::kOracleModels) checkModel(name, vectors + "/E_models/" + name);
  return check::report();
}
