#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "grpo/loss.h"
#include "model/model.h"
#include "runtime/cancellation.h"

namespace toolr0 {

struct TrainerOptions {
  std::string optimizer = "adamw";  // adamw | muon (hidden matrices by Muon, the rest by AdamW)
  double learningRate = 1e-6, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.0;
  double muonLearningRate = 0.02, muonMomentum = 0.95;
  double maxGradNorm = 1.0;            // 0 = no clipping
  std::string scheduler = "constant";  // constant | constant_with_warmup | linear | cosine
  int64_t warmupSteps = 0, totalSteps = 0;
  int64_t tokenBudget = 0;  // packed tokens per micro-batch; 0 = step_memory.h chooses
  int64_t logprobChunkRows = 2048;
  // true: the activations of every layer are computed again in the backward pass; false: of as many as
  // `activationBytes` make necessary (0 = what is free).
  bool activationCheckpointing = false;
  int64_t activationBytes = 0;
  double temperature = 1.0;  // logits are divided by it before the softmax, as in the rollout
  LossOptions loss;
  int64_t maxSkippedSteps = 3;  // consecutive non-finite steps before Error(kNumericError)
};

// Flat arrays, one row per completion; rows of one prompt are adjacent.
struct TrainBatch {
  std::vector<int32_t> promptTokens;
  std::vector<int32_t> promptOffsets;  // [prompts + 1]
  std::vector<int32_t> completionTokens;
  std::vector<int32_t> completionOffsets;  // [rows + 1]
  std::vector<int32_t> promptOfRow;        // [rows]
  std::vector<float>
      advantages;  // [rows]; rows with advantage 0 are skipped before the forward pass when beta == 0
  std::vector<float> samplingLogprobs;  // [completion tokens], from the rollout; empty = absent
  std::vector<float> oldLogprobs;       // [completion tokens]; empty = the current policy's
  std::vector<float>
      refLogprobs;  // [completion tokens] for the KL term; empty = computed with the reference model
  std::vector<uint8_t> rowMask;  // [rows] 0 = masked out (truncated completions); empty = all 1
};

// Plain language-model batch: loss = sum(weight * -logprob) / sum(weight) over tokens 1…; weights per token
// (0 = context only).
struct LanguageModelBatch {
  std::vector<int32_t> tokens, offsets;  // [docs + 1]
  std::vector<float> weights;            // [tokens]; a document's first token has no prediction
};

using Metrics = std::map<std::string, double>;

// fp32 masters, moments and gradient accumulation beside a Model. One per Model at a time. In fp32 the
// masters are the model's weights themselves; in bf16 they are copied from them here, so weights must not be
// changed behind a Trainer's back.
class Trainer {
 public:
  // Throws Error(kConfigError) for an unknown optimizer, scheduler or loss option.
  Trainer(std::shared_ptr<Model> model, TrainerOptions options,
          std::shared_ptr<Model> reference /* may be null: see refLogprobs */);
  ~Trainer();
  // Adds the gradient of the loss. The loss is that of the batch as a whole however many micro-batches it
  // takes. An abort or any other failure leaves all gradients zero and the weights untouched; a non-finite
  // loss leaves a mark that makes the next optimStep skip. Metrics: TRL's names, and toolr0/* for the
  // project's own.
  Metrics forwardBackward(const TrainBatch& batch, const CancelToken& cancel);
  Metrics languageModelForwardBackward(const LanguageModelBatch& batch, const CancelToken& cancel);
  // Clips, steps, zeroes gradients, refreshes the compute-dtype copy. `learningRate` < 0 = scheduler's. A
  // non-finite loss or gradient skips the step (metric `skipped` 1, `step` unchanged); the maxSkippedSteps-th
  // in a row throws Error(kNumericError). Metrics: grad_norm (before clipping), learning_rate, step, skipped.
  Metrics optimStep(double learningRate = -1);
  void zeroGradients();
  // Makes room while another role is trained: masters and moments go to host memory, gradients are freed (on
  // the CPU, that alone). The model's weights are not touched (model/residency.h). Throws Error(kConfigError)
  // with gradients accumulated and not yet stepped. What needs the device again brings all back by itself.
  void offload();
  void restore();
  int64_t step() const;
  // Gradient and weight norms per Hugging Face parameter name (tests, metrics).
  std::map<std::string, double> gradientNorms();
  at::Tensor gradient(const std::string& huggingFaceName);
  at::Tensor parameter(const std::string& huggingFaceName);  // fp32 master values
  // safetensors file holding masters, moments, step, skipped counter; options are not part of it. Temporary
  // name + rename.
  void saveState(const std::string& file);
  void loadState(const std::string& file);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Log-probability of every token of each sequence given the ones before it: out[offsets[i] + t] = log p(token
// t+1 | 0..t) for t < length-1 (the last slot of each sequence is 0). Packed by `tokenBudget`.
std::vector<float> sequenceLogprobs(Model& model, const std::vector<int32_t>& tokens,
                                    const std::vector<int32_t>& offsets, double temperature,
                                    int64_t tokenBudget, const CancelToken& cancel,
                                    std::vector<float>* entropy = nullptr);

}  // namespace toolr0
