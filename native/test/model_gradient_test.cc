// The hand-written backward pass against autograd over a plain recomposition of the decoder, for every
// architecture switch; with and without checkpointing, with shared and repeated prompts, in fp32 and bf16.
#include <limits>

#include "check.h"
#include "model/decoder.h"
#include "model_batches.h"
#include "temporary_folder.h"

using namespace toolr0;

namespace {

const char* kLlama = R"({"model_type": "llama", "vocab_size": 61, "hidden_size": 24, "intermediate_size": 40,
  "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
  "rms_norm_eps": 1e-5, "attention_bias": true, "mlp_bias": true, "rope_theta": 500.0, "tie_word_embeddings": false,
  "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": 32}})";
const char* kQwen2 = R"({"model_type": "qwen2", "vocab_size": 61, "hidden_size": 32, "intermediate_size": 48,
  "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 128,
  "rope_theta": 10000.0, "tie_word_embeddings": true})";
const char* kQwen3 = R"({"model_type": "qwen3", "vocab_size": 61, "hidden_size": 32, "intermediate_size": 48,
  "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 16,
  "max_position_embeddings": 128, "rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0},
  "tie_word_embeddings": true})";

double relative(const at::Tensor& got, const at::Tensor& expected) {
  const at::Tensor a = got.to(at::kFloat), b = expected.to(at::kFloat);
  return (a - b).norm().item<double>() / (1e-12 + b.norm().item<double>());
}

at::Tensor norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return x * (x.square().mean(-1, /*keepdim=*/true) + eps).rsqrt() * weight;
}

// [tokens, heads, D] rotated at positions 0, 1, …, with tables made here from the model's inverse
// frequencies.
at::Tensor rotate(const at::Tensor& x, const Model& model) {
  const int64_t half = x.size(2) / 2;
  const at::Tensor c = model.ropeCos.narrow(0, 0, x.size(0)).unsqueeze(1);
  const at::Tensor s = model.ropeSin.narrow(0, 0, x.size(0)).unsqueeze(1);
  const at::Tensor a = x.narrow(2, 0, half), b = x.narrow(2, half, half);
  return at::cat({a * c - b * s, b * c + a * s}, 2);
}

// Hidden states of one sequence as an autograd graph over `weights`.
at::Tensor plainDecoder(const Model& model, const ModelWeights& weights, const at::Tensor& tokens) {
  const ModelConfig& c = model.config;
  const int64_t count = tokens.size(0), group = c.numAttentionHeads / c.numKeyValueHeads;
  at::Tensor x = weights.embedding.index_select(0, tokens);
  const at::Tensor future = at::ones({count, count}, at::kBool).tril().logical_not();
  for (const LayerWeights& layer : weights.layers) {
    const at::Tensor fused =
        at::linear(norm(x, layer.inputNorm, c.rmsNormEps), layer.qkvWeight, layer.qkvBias)
            .view({count, c.numAttentionHeads + 2 * c.numKeyValueHeads, c.headDim});
    at::Tensor q = fused.narrow(1, 0, c.numAttentionHeads),
               k = fused.narrow(1, c.numAttentionHeads, c.numKeyValueHeads);
    const at::Tensor v = fused.narrow(1, c.numAttentionHeads + c.numKeyValueHeads, c.numKeyValueHeads);
    if (c.queryKeyNorm) q = norm(q, layer.queryNorm, c.rmsNormEps), k = norm(k, layer.keyNorm, c.rmsNormEps);
    q = rotate(q, model).transpose(0, 1);
    k = rotate(k, model).repeat_interleave(group, 1).transpose(0, 1);
    const at::Tensor scores = at::bmm(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(c.headDim));
    const at::Tensor weightsOfKeys =
        scores.masked_fill(future, -std::numeric_limits<float>::infinity()).softmax(-1);
    const at::Tensor attended =
        at::bmm(weightsOfKeys, v.repeat_interleave(group, 1).transpose(0, 1)).transpose(0, 1);
    x = x + at::linear(attended.reshape({count, -1}), layer.outputWeight, layer.outputBias);
    const at::Tensor gateUp =
        at::linear(norm(x, layer.postAttentionNorm, c.rmsNormEps), layer.gateUpWeight, layer.gateUpBias);
    const at::Tensor activated = at::silu(gateUp.narrow(1, 0, c.intermediateSize)) *
                                 gateUp.narrow(1, c.intermediateSize, c.intermediateSize);
    x = x + at::linear(activated, layer.downWeight, layer.downBias);
  }
  return norm(x, weights.finalNorm, c.rmsNormEps);
}

std::vector<std::vector<int64_t>> randomSequences(const std::vector<int64_t>& lengths, int64_t vocab) {
  std::vector<std::vector<int64_t>> out;
  for (const int64_t length : lengths) {
    const at::Tensor ids = at::randint(vocab, {length}, at::kLong);
    out.emplace_back(ids.const_data_ptr<int64_t>(), ids.const_data_ptr<int64_t>() + length);
  }
  return out;
}

struct Case {
  std::vector<std::vector<int64_t>> prompts, completions;
  at::Tensor dRows;  // [completion tokens, hidden]: the loss is sum(hidden of the predicting rows * dRows)
};

// Gradients of a model by autograd and the hidden rows the loss reads.
ModelWeights autogradGradients(Model& model, const Case& test, at::Tensor& hiddenRows) {
  ensureRopeTables(model, 128);
  ModelWeights leaves = emptyWeightsLike(model.config, at::kCPU, at::kFloat), gradients = leaves;
  std::vector<at::Tensor> sources;
  model.weights.forEach([&](const std::string&, at::Tensor& tensor) { sources.push_back(tensor); });
  size_t next = 0;
  leaves.forEach([&](const std::string&, at::Tensor& tensor) {
    tensor = sources[next++].detach().clone().to(at::kFloat).set_requires_grad(true);
  });
  std::vector<at::Tensor> rows;
  for (size_t i = 0; i < test.prompts.size(); ++i) {
    std::vector<int64_t> ids = test.prompts[i];
    ids.insert(ids.end(), test.completions[i].begin(), test.completions[i].end());
    const at::Tensor hidden = plainDecoder(model, leaves, at::tensor(ids, at::kLong));
    rows.push_back(hidden.narrow(0, static_cast<int64_t>(test.prompts[i].size()) - 1,
                                 static_cast<int64_t>(test.completions[i].size())));
  }
  const at::Tensor all = at::cat(rows, 0);
  (all * test.dRows).sum().backward();
  hiddenRows = all.detach();
  std::vector<at::Tensor> grads;
  leaves.forEach([&](const std::string&, at::Tensor& tensor) {
    grads.push_back(tensor.grad().defined() ? tensor.grad() : at::zeros(tensor.sizes()));
  });
  next = 0;
  gradients.forEach([&](const std::string&, at::Tensor& tensor) { tensor = grads[next++]; });
  return gradients;
}

void checkCase(Model& model, const Case& test, bool shared, bool checkpoint, double tolerance) {
  at::Tensor expectedRows;
  ModelWeights expected = autogradGradients(model, test, expectedRows);
  std::vector<int64_t> rows;
  const PackedBatch batch = shared ? check::packShared(test.prompts, test.completions, rows)
                                   : check::packUnshared(test.prompts, test.completions, rows);
  const at::Tensor rowIndex = at::tensor(rows, at::kLong);
  DecoderTape tape;
  const at::Tensor hidden = decoderForwardTape(model, batch, tape, checkpoint ? 1 : 1000);
  CHECK(hidden.scalar_type() == model.dtype);
  CHECK(relative(hidden.index_select(0, rowIndex), expectedRows) < tolerance);
  // With a shared prompt, the first token of each completion is predicted by one and the same row.
  const at::Tensor dHidden = at::zeros(hidden.sizes()).index_add_(0, rowIndex, test.dRows);
  ModelWeights gradients = emptyWeightsLike(model.config, at::kCPU, at::kFloat);
  gradients.forEach(
      [](const std::string&, at::Tensor& tensor) { tensor.fill_(1.0); });  // gradients are added
  decoderBackward(model, batch, tape, dHidden, gradients);
  std::vector<at::Tensor> wanted;
  expected.forEach([&](const std::string&, at::Tensor& tensor) { wanted.push_back(tensor); });
  size_t next = 0;
  gradients.forEach([&](const std::string& name, at::Tensor& tensor) {
    const at::Tensor& target = wanted[next++];
    // Key biases cancel in the softmax when there is no rotation between them; their gradients are small and
    // noisy in bf16.
    const bool noisy = model.dtype != at::kFloat && name.ends_with("bias");
    const double error = relative(tensor - 1.0, target);
    check::that(error < (noisy ? 4 * tolerance : tolerance) || name == "lm_head.weight", name.c_str(),
                __FILE__, __LINE__, std::to_string(error));
  });
  CHECK(tape.layers.empty());
}

void checkModel(const char* config) {
  const check::TemporaryFolder folder;
  folder.write("config.json", config);
  const auto model = initModel(folder.path(), at::kCPU, at::kFloat, 3);
  // Norms and biases off their initial ones and zeros, so that a forgotten one shows.
  model->weights.forEach([](const std::string&, at::Tensor& tensor) {
    if (tensor.dim() == 1) tensor.add_(at::randn(tensor.sizes()) * 0.3);
  });
  Case test;
  const auto prompts = randomSequences({7, 20}, model->config.vocabSize);
  test.prompts = {prompts[0], prompts[0], prompts[1], prompts[1], prompts[1]};
  test.completions = randomSequences({5, 18, 1, 30, 9}, model->config.vocabSize);
  test.dRows = at::randn({63, model->config.hiddenSize});
  for (const bool shared : {false, true}) {
    for (const bool checkpoint : {false, true}) checkCase(*model, test, shared, checkpoint, 1e-5);
  }
  const auto narrow = initModel(folder.path(), at::kCPU, at::kBFloat16, 3);
  CHECK(narrow->weights.embedding.scalar_type() == at::kBFloat16);
  for (const bool shared : {false, true}) checkCase(*narrow, test, shared, false, 0.04);
}

}  // namespace

int main() {
  at::manual_seed(2);
  for (const char* config : {kLlama, kQwen2, kQwen3}) checkModel(config);
  return check::report();
}
