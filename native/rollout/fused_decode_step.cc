#include "rollout/fused_decode_step.h"

#include <algorithm>
#include <cmath>

#include "kernels/decode_fused.h"
#include "model/decoder.h"

namespace toolr0 {
namespace {

// out = x · weightᵀ (+ bias)
void project(at::Tensor& out, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (bias.defined()) {
    at::addmm_out(out, bias, x, weight.t());
  } else {
    at::mm_out(out, x, weight.t());
  }
}

// residual += x · weightᵀ (+ bias)
void addProjectionInto(at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                       const at::Tensor& bias) {
  residual.addmm_(x, weight.t());
  if (bias.defined()) residual.add_(bias);
}

}  // namespace

FusedDecodeStep::FusedDecodeStep(Model& model, KvCache& cache, DecodeBuffers& buffers)
    : model_(model), cache_(cache), buffers_(buffers), discardSlot_(cache.discardSlot()) {
  const ModelConfig& c = model.config;
  const int64_t rows = buffers.shape.rows;
  const auto make = [&](int64_t columns, at::ScalarType dtype) {
    return at::zeros({rows, columns}, at::TensorOptions().device(model.device).dtype(dtype));
  };
  x_ = make(c.hiddenSize, model.dtype);
  normed_ = make(c.hiddenSize, model.dtype);
  qkv_ = make(c.qkvSize(), model.dtype);
  attended_ = make(c.numAttentionHeads * c.headDim, model.dtype);
  gateUp_ = make(2 * c.intermediateSize, model.dtype);
  activated_ = make(c.intermediateSize, model.dtype);
  logits_ = make(c.vocabSize, at::kFloat);
  logprobs_ = make(1, at::kFloat).squeeze(1);
  const at::TensorOptions scratch = logits_.options();
  attentionScratch_ =
      at::zeros({groupedDecodeScratch(rows, c.numAttentionHeads, c.numKeyValueHeads, c.headDim)}, scratch);
  sampleScratch_ = at::zeros({sampleScratch(rows)}, scratch);
  arrived_ = at::zeros({rows * c.numKeyValueHeads}, scratch.dtype(at::kInt));
  parameters_ = samplerParameters(model.device);
}

std::vector<const void*> FusedDecodeStep::addresses() const {
  std::vector<const void*> all = {model_.ropeCos.const_data_ptr(), model_.ropeSin.const_data_ptr()};
  model_.weights.forEach(
      [&](const std::string&, at::Tensor& weight) { all.push_back(weight.const_data_ptr()); });
  return all;
}

void FusedDecodeStep::begin(const RolloutRequest& request) {
  sampling_ = request.sampling;
  seed_ = request.seed;
  setSamplerParameters(parameters_, sampling_, seed_);
  std::vector<const void*> now = addresses();
  if (now == recordedAddresses_ && filtersTokens(sampling_) == filtered_) return;
  plans_.clear();
  recordedAddresses_ = std::move(now);
  filtered_ = filtersTokens(sampling_);
}

FusedDecodeStep::Plan FusedDecodeStep::makePlan(int64_t width, int64_t runs) const {
  const ModelConfig& c = model_.config;
  const auto first = [&](const at::Tensor& t) { return t.narrow(0, 0, width); };
  const auto heads = [&](const at::Tensor& t, int64_t count) {
    return t.narrow(1, 0, count * c.headDim).view({width, count, c.headDim});
  };
  Plan plan;
  plan.width = width;
  plan.runs = runs;
  plan.x = first(x_);
  plan.normed = first(normed_);
  plan.qkv = first(qkv_);
  plan.query = heads(plan.qkv, c.numAttentionHeads);
  plan.attendedRows = first(attended_);
  plan.attended = heads(plan.attendedRows, c.numAttentionHeads);
  plan.gateUp = first(gateUp_);
  plan.activated = first(activated_);
  plan.logits = first(logits_);
  plan.logprobs = first(logprobs_);
  plan.state = buffers_.state(width, discardSlot_);
  DecodeAttentionInput& rows = plan.attention.rows;
  rows.query = plan.query;
  rows.prefixIndex = buffers_.intsOf(DecodeBuffers::kPrefix, width);
  rows.prefixTable = buffers_.prefixTable;
  rows.prefixLength = buffers_.prefixLength;
  rows.suffixTable = plan.state.suffixTable;
  rows.suffixLength = plan.state.suffixLength;
  rows.scale = 1.0 / std::sqrt(static_cast<double>(c.headDim));
  plan.attention.runStart = buffers_.intsOf(DecodeBuffers::kRunStart, runs);
  plan.attention.runCount = buffers_.intsOf(DecodeBuffers::kRunCount, runs);
  plan.attention.scratch = attentionScratch_;
  plan.attention.arrived = arrived_;
  return plan;
}

void FusedDecodeStep::runLayer(Plan& plan, size_t index) {
  const LayerWeights& layer = model_.weights.layers[index];
  const double eps = model_.config.rmsNormEps;
  const bool last = index + 1 == model_.weights.layers.size();
  plan.attention.rows.keyPages = cache_.keys(static_cast<int64_t>(index));
  plan.attention.rows.valuePages = cache_.values(static_cast<int64_t>(index));

  project(plan.qkv, plan.normed, layer.qkvWeight, layer.qkvBias);
  ropeAndStore(plan.qkv,
               {plan.state.positions, plan.state.slots, model_.ropeCos, model_.ropeSin, layer.queryNorm,
                layer.keyNorm, plan.attention.rows.keyPages, plan.attention.rows.valuePages, eps});
  groupedDecodeAttention(plan.attention, plan.attended);
  addProjectionInto(plan.x, plan.attendedRows, layer.outputWeight, layer.outputBias);
  rmsNormInto(plan.x, layer.postAttentionNorm, eps, plan.normed);
  project(plan.gateUp, plan.normed, layer.gateUpWeight, layer.gateUpBias);
  swigluInto(plan.gateUp, plan.activated);
  addProjectionInto(plan.x, plan.activated, layer.downWeight, layer.downBias);
  rmsNormInto(plan.x, last ? model_.weights.finalNorm : model_.weights.layers[index + 1].inputNorm, eps,
              plan.normed);
}

void FusedDecodeStep::head(Plan& plan) {
  const at::Tensor& weight = model_.weights.lmHead;
  if (weight.scalar_type() == at::kFloat) {
    at::mm_out(plan.logits, plan.normed, weight.t());
  } else if (weight.is_cuda()) {
    at::mm_out(plan.logits, plan.normed, weight.t(), at::kFloat);  // see headLogits
  } else {
    plan.logits.copy_(headLogits(model_, plan.normed));
  }
}

void FusedDecodeStep::execute(Plan& plan) {
  embedRmsNorm(plan.state.tokens, model_.weights.embedding, model_.weights.layers.front().inputNorm,
               model_.config.rmsNormEps, plan.x, plan.normed);
  for (size_t i = 0; i < model_.weights.layers.size(); ++i) runLayer(plan, i);
  head(plan);
  sampleAdvance({plan.logits, parameters_, sampleScratch_, arrived_, sampling_, seed_}, plan.state,
                plan.logprobs);
}

void FusedDecodeStep::run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) {
  const int64_t runs = std::min(nextPowerOfTwo(indices.runs), buffers_.shape.rows);
  const auto [entry, isNew] = plans_.try_emplace({indices.width, runs});
  Plan& plan = entry->second;
  if (isNew) plan = makePlan(indices.width, runs);
  if (plan.graph) {
    plan.graph->replay();
  } else if (++plan.uses == 1) {
    execute(plan);  // makes what a recording must find: library handles, workspaces, loaded kernels
  } else {
    plan.graph = captureStep(model_.device, [this, &plan] { execute(plan); });
    ++captured_;
    plan.graph->replay();
  }
  tokens = plan.state.tokens.narrow(0, 0, indices.decoding);
  logprobs = plan.logprobs.narrow(0, 0, indices.decoding);
}

}  // namespace toolr0
