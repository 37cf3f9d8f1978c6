// The decoder against the oracle of vectors/README.md section E: log-probabilities and logits of ragged
// sequences, and the gradients of a GRPO step, which transformers and torch's autograd computed.
#include <ATen/Parallel.h>

#include <algorithm>

#include "check.h"
#include "kernels/packed_attention.h"
#include "model/decoder.h"
#include "model/safetensors.h"
#include "model_batches.h"
#include "model_vectors.h"

using namespace toolr0;

namespace {

double largest(const at::Tensor& x) {
  return x.numel() == 0 ? 0.0 : x.abs().max().item<double>();
}

void checkForward(Model& model, const Json& oracle, const SafetensorsFile& tensors) {
  const Json& forward = *oracle.find("forward");
  std::vector<std::vector<int64_t>> sequences;
  for (const Json& sequence : forward.find("sequences")->array)
    sequences.push_back(check::integers(sequence));
  const PackedBatch batch = check::packSequences(sequences);
  DecoderTape tape;
  const at::Tensor hidden = decoderForwardTape(model, batch, tape, 1000);
  const at::Tensor logits = headLogits(model, hidden);
  const at::Tensor logprobs = at::log_softmax(logits, -1);
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Segment& segment = batch.segments[i];
    const at::Tensor expectedLogits = tensors.tensor("logits." + std::to_string(i));
    const int64_t last = expectedLogits.size(0);
    CHECK(largest(logits.narrow(0, segment.begin + segment.length - last, last) - expectedLogits) < 1e-4);
    const std::vector<double> expected = check::numbers(forward.find("logprobs")->array[i]);
    double worst = 0;
    for (size_t t = 0; t < expected.size(); ++t) {
      const double got =
          logprobs[segment.begin + static_cast<int64_t>(t)][sequences[i][t + 1]].item<double>();
      worst = std::max(worst, std::abs(got - expected[t]));
    }
    CHECK_NEAR(worst, 0.0, 1e-4);
  }
  // The inference pass with an attention of its own sees the same numbers as the training pass.
  const double scale = 1.0 / std::sqrt(static_cast<double>(model.config.headDim));
  const at::Tensor inferred =
      decoderForward(model, batch.tokens, batch.positions,
                     [&](int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                       at::Tensor lse;
                       return packedAttention(q, k, v, batch.segments, scale, lse);
                     });
  CHECK(largest(inferred - hidden) < 1e-5);
}

struct GrpoCase {
  std::vector<std::vector<int64_t>> prompts, completions;
  at::Tensor targets, advantages, oldLogprobs, refLogprobs, rowWeights;  // per completion token
  double epsilon = 0.2, beta = 0.0, temperature = 1.0;
};

GrpoCase readCase(const Json& grpo) {
  GrpoCase out;
  const Json& config = *grpo.find("config");
  out.beta = config.find("beta")->number;
  out.temperature = config.find("temperature")->number;
  const std::string lossType = config.find("loss_type")->string;
  std::vector<int64_t> targets;
  std::vector<double> advantages, oldLogprobs, refLogprobs, weights;
  double tokens = 0;
  for (const Json& row : grpo.find("completions")->array) tokens += static_cast<double>(row.array.size());
  const double rows = static_cast<double>(grpo.find("completions")->array.size());
  for (size_t row = 0; row < grpo.find("completions")->array.size(); ++row) {
    out.prompts.push_back(check::integers(grpo.find("prompts")->array[row]));
    out.completions.push_back(check::integers(grpo.find("completions")->array[row]));
    const double length = static_cast<double>(out.completions.back().size());
    const double weight = lossType == "grpo" ? 1.0 / (rows * length)
                          : lossType == "dr_grpo"
                              ? 1.0 / (rows * config.find("max_completion_length")->number)
                              : 1.0 / tokens;  // bnpo, dapo of a single call
    for (size_t t = 0; t < out.completions.back().size(); ++t) {
      targets.push_back(out.completions.back()[t]);
      advantages.push_back(grpo.find("advantages")->array[row].number);
      oldLogprobs.push_back(grpo.find("old_logps")->array[row].array[t].number);
      if (out.beta > 0) refLogprobs.push_back(grpo.find("ref_logps")->array[row].array[t].number);
      weights.push_back(weight);
    }
  }
  out.targets = at::tensor(targets, at::kLong);
  out.advantages = at::tensor(advantages, at::kFloat);
  out.oldLogprobs = at::tensor(oldLogprobs, at::kFloat);
  if (out.beta > 0) out.refLogprobs = at::tensor(refLogprobs, at::kFloat);
  out.rowWeights = at::tensor(weights, at::kFloat);
  return out;
}

// The loss of the oracle (ratio at token level, bias-corrected KL) as a graph over token log-probabilities.
at::Tensor grpoLossGraph(const GrpoCase& grpo, const at::Tensor& logprobs) {
  const at::Tensor ratio = (logprobs - grpo.oldLogprobs).exp();
  const at::Tensor clipped = ratio.clamp(1 - grpo.epsilon, 1 + grpo.epsilon);
  at::Tensor perToken = -at::min(ratio * grpo.advantages, clipped * grpo.advantages);
  if (grpo.beta > 0) {
    const at::Tensor difference = grpo.refLogprobs - logprobs;
    perToken = perToken + grpo.beta * (difference.exp() - difference - 1) * ratio;
  }
  return (perToken * grpo.rowWeights).sum();
}

// Gradients of the whole model for the case. Only head, softmax and loss use autograd; the decoder is ours.
ModelWeights grpoGradients(Model& model, const GrpoCase& grpo, bool shared, bool checkpoint, double& loss) {
  std::vector<int64_t> rows;
  const PackedBatch batch = shared ? check::packShared(grpo.prompts, grpo.completions, rows)
                                   : check::packUnshared(grpo.prompts, grpo.completions, rows);
  DecoderTape tape;
  const at::Tensor hidden = decoderForwardTape(model, batch, tape, checkpoint ? 0 : 1000);
  at::Tensor leaf = hidden.detach().clone().set_requires_grad(true);
  at::Tensor head = model.weights.lmHead.detach().clone().set_requires_grad(true);
  const at::Tensor logits =
      at::mm(leaf.index_select(0, at::tensor(rows, at::kLong)), head.t()) / grpo.temperature;
  const at::Tensor logprobs = at::log_softmax(logits, -1).gather(1, grpo.targets.unsqueeze(1)).squeeze(1);
  const at::Tensor total = grpoLossGraph(grpo, logprobs);
  total.backward();
  loss = total.item<double>();
  ModelWeights gradients = emptyWeightsLike(model.config, at::kCPU, at::kFloat);
  gradients.lmHead.add_(head.grad());
  decoderBackward(model, batch, tape, leaf.grad(), gradients);
  return gradients;
}

void checkGradients(Model& model, const Json& oracle, const SafetensorsFile& tensors) {
  const Json& grpo = *oracle.find("grpo");
  const GrpoCase grpoCase = readCase(grpo);
  double loss = 0, sharedLoss = 0;
  ModelWeights gradients = grpoGradients(model, grpoCase, false, false, loss);
  ModelWeights shared = grpoGradients(model, grpoCase, true, true, sharedLoss);
  CHECK_NEAR(loss, grpo.find("loss")->number, 1e-5);
  CHECK_NEAR(sharedLoss, loss, 1e-5);
  const auto slices = huggingFaceSlices(model.config, gradients);
  const auto sharedSlices = huggingFaceSlices(model.config, shared);
  CHECK(slices.size() == grpo.find("params")->object.size());
  double squares = 0;
  int fullGradients = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    const Json* expected = grpo.find("params")->find(slices[i].name);
    CHECK(expected != nullptr);
    if (expected == nullptr) continue;
    const double norm = slices[i].tensor.norm().item<double>();
    squares += norm * norm;
    CHECK_NEAR(norm, expected->find("grad_norm")->number, 1e-4 * expected->find("grad_norm")->number);
    CHECK(largest(slices[i].tensor - sharedSlices[i].tensor) < 1e-5);
    if (tensors.has("grad." + slices[i].name)) {
      ++fullGradients;
      CHECK(largest(slices[i].tensor - tensors.tensor("grad." + slices[i].name)) < 1e-5);
    }
  }
  CHECK_NEAR(std::sqrt(squares), grpo.find("grad_total_norm")->number, 1e-4 * std::sqrt(squares));
  std::printf("  %zu gradient norms, %d whole gradients\n", slices.size(), fullGradients);
}

}  // namespace

int main() {
  const std::string vectors = check::vectorsFolder();
  if (vectors.empty()) {
    std::printf("skipped: no vectors (set TOOL_R0_VECTORS to the folder that holds E_models)\n");
    return 77;
  }
  at::set_num_threads(2);
  for (const std::string& name : check::kOracleModels) {
    const std::string folder = vectors + "/E_models/" + name;
    std::printf("%s\n", name.c_str());
    const auto model = loadModel(folder, at::kCPU, at::kFloat);
    const Json oracle = check::readOracle(folder);
    const SafetensorsFile tensors(folder + "/oracle.safetensors");
    checkForward(*model, oracle, tensors);
    checkGradients(*model, oracle, tensors);
  }
  return check::report();
}
