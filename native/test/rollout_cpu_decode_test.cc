// The CPU decode steps on every architecture: the log-probability of each sampled token against one packed
// pass of tensor operations over the whole sequences.
#include <algorithm>
#include <cmath>

#include "check.h"  // last: it replaces c10's CHECK
#include "kernels/packed_attention.h"
#include "model/decoder.h"
#include "model_batches.h"
#include "rollout/bf16_decode_step.h"
#include "rollout/cpu_decode_step.h"
#include "rollout_fixture.h"

namespace {
using namespace toolr0;

struct Architecture {
  const char* name;
  std::string fields;  // of config.json, beside the shape
  int64_t hidden, intermediate, heads, kvHeads, headDim, vocab;
};

std::shared_ptr<Model> randomModel(const Architecture& a, at::ScalarType dtype) {
  check::TemporaryFolder folder;
  const auto field = [](const char* name, int64_t value) {
    return ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  folder.write("config.json", "{\"hidden_act\":\"silu\",\"rms_norm_eps\":1e-6," + a.fields +
                                  field("vocab_size", a.vocab) + field("hidden_size", a.hidden) +
                                  field("intermediate_size", a.intermediate) + field("num_hidden_layers", 3) +
                                  field("num_attention_heads", a.heads) +
                                  field("num_key_value_heads", a.kvHeads) + field("head_dim", a.headDim) +
                                  field("max_position_embeddings", 512) + "}");
  auto model = initModel(folder.path(), at::kCPU, dtype, 29);
  model->weights.finalNorm.mul_(3.0);
  for (LayerWeights& layer : model->weights.layers) {  // biases and norms are initialised flat
    for (at::Tensor* t : {&layer.qkvBias, &layer.outputBias, &layer.gateUpBias, &layer.downBias})
      if (t->defined()) t->copy_(at::randn(t->sizes()) * 0.3);
    for (at::Tensor* t : {&layer.queryNorm, &layer.keyNorm, &layer.inputNorm})
      if (t->defined()) t->copy_(at::rand(t->sizes()) + 0.5);
  }
  return model;
}

double worstDifference(Model& model, const RolloutRequest& request, const RolloutResult& result) {
  std::vector<std::vector<int64_t>> prompts, completions;
  std::vector<int64_t> targets, rows;
  for (size_t row = 0; row + 1 < result.offsets.size(); ++row) {
    const auto& prompt = request.prompts[row / static_cast<size_t>(request.samplesPerPrompt)];
    const std::vector<int32_t> tokens = check::rowTokens(result, static_cast<int64_t>(row));
    prompts.emplace_back(prompt.begin(), prompt.end());
    completions.emplace_back(tokens.begin(), tokens.end());
    targets.insert(targets.end(), tokens.begin(), tokens.end());
  }
  const PackedBatch batch = check::packUnshared(prompts, completions, rows);
  const double scale = 1.0 / std::sqrt(static_cast<double>(model.config.headDim));
  const at::Tensor hidden =
      decoderForward(model, batch.tokens, batch.positions,
                     [&](int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                       at::Tensor lse;
                       return packedAttention(q, k, v, batch.segments, scale, lse);
                     });
  const at::Tensor logits = headLogits(model, hidden.index_select(0, at::tensor(rows, at::kLong)));
  const at::Tensor expected = at::log_softmax(logits.to(at::kDouble), 1)
                                  .gather(1, at::tensor(targets, at::kLong).unsqueeze(1))
                                  .squeeze(1);
  const at::Tensor got = at::tensor(at::ArrayRef<float>(result.logprobs), at::kFloat).to(at::kDouble);
  return (got - expected).abs().max().item<double>();
}

void checkArchitecture(const Architecture& a, at::ScalarType dtype, double tolerance) {
  const auto model = randomModel(a, dtype);
  CHECK(dtype == at::kFloat ? CpuDecodeStep::supports(*model) : Bf16DecodeStep::supports(*model));
  RolloutRequest request;
  request.prompts = check::randomPrompts({1, 17, 70, 33, 16}, a.vocab);
  request.samplesPerPrompt = 7;
  request.maxNewTokens = 40;
  request.ignoreEos = true;
  const RolloutResult result = check::generate(*model, request);
  const double worst = worstDifference(*model, request, result);
  std::printf("%-28s %-9s largest log-probability difference %.2g\n", a.name, c10::toString(dtype), worst);
  CHECK(worst < tolerance);
  // One row at a time draws the same tokens: no row sees another.
  request.maxBatch = 3;
  CHECK(check::generate(*model, request).tokens == result.tokens);
}

}  // namespace

int main() {
  at::manual_seed(11);
  const std::string qwen2 = "\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\",",
                    qwen3 = "\"architectures\":[\"Qwen3ForCausalLM\"],\"model_type\":\"qwen3\",",
                    llama = "\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",",
                    tied = "\"tie_word_embeddings\":true", untied = "\"tie_word_embeddings\":false",
                    rope = ",\"rope_theta\":10000.0";
  const std::string llama3 =
      ",\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_"
      "factor\":"
      "1.0,\"high_freq_factor\":4.0,\"original_max_position_embeddings\":64}";
  const std::vector<Architecture> architectures = {
      {"Qwen2, tied", qwen2 + tied + rope, 64, 96, 4, 2, 16, 200},
      {"Qwen2, untied, 7 per head", qwen2 + untied + rope, 224, 160, 7, 1, 32, 333},
      {"Qwen3, tied, head 64", qwen3 + tied + rope, 96, 128, 2, 2, 64, 257},
      {"Qwen3, untied, head 128", qwen3 + untied + rope, 128, 64, 8, 1, 128, 100},
      {"Llama 3, untied", llama + untied + llama3, 128, 192, 4, 1, 32, 300},
      {"Llama, every bias", llama + tied + rope + ",\"attention_bias\":true,\"mlp_bias\":true", 64, 96, 2, 1,
       32, 211}};
  for (const Architecture& a : architectures) {
    checkArchitecture(a, at::kFloat, 2e-5);
    checkArchitecture(a, at::kBFloat16, 0.15);
  }
  return check::report();
}
