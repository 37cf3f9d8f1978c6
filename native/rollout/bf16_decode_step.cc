#include "rollout/bf16_decode_step.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "kernels/linear_bf16.h"
#include "kernels/page_attention.h"
#include "kernels/philox.h"
#include "kernels/row_ops.h"
#include "kernels/sampler_row.h"

namespace toolr0 {

struct Bf16DecodeStep::State {
  // Logits are computed and drawn from for so many rows at a time that they stay below this.
  static constexpr int64_t kMostLogitBytes = int64_t{128} << 20;

  State(Model& model, KvCache& cache, const RolloutRequest& request);
  void step(int64_t rows);

 private:
  at::Tensor buffer(int64_t width) const { return at::empty({maxRows, width}, at::kBFloat16); }
  at::Tensor packedBuffer(int64_t inputs) const {
    return at::empty({cpu::packedElements(maxRows, inputs)}, at::kInt);
  }
  static at::BFloat16* data(at::Tensor& t) { return t.mutable_data_ptr<at::BFloat16>(); }
  static uint32_t* packed(at::Tensor& t) {
    return reinterpret_cast<uint32_t*>(t.mutable_data_ptr<int32_t>());
  }

  void embed(int64_t rows);
  void normAndPack(const at::Tensor& weight, int64_t rows);
  void pack(at::Tensor& from, at::Tensor& to, int64_t rows);
  void multiply(cpu::Bf16Output output, const at::Tensor& weight, const at::Tensor& bias, at::Tensor& from,
                int64_t rows, void* to, int64_t stride);
  void attend(int64_t layer, int64_t rows);
  void rotateAndStore(int64_t layer, int64_t row, int64_t head);
  void drawAll(int64_t rows);

 public:
  Model& model;
  KvCache& cache;
  const RolloutRequest& request;
  int64_t maxRows;
  at::Tensor x, qkv, attended;                               // bf16 rows
  at::Tensor packedNormed, packedAttended, packedActivated;  // see linear_bf16.h
  at::Tensor logits;                                         // fp32 [rows drawn together, vocab]
  at::Tensor tokens, logprobs;

  // The step being run.
  const int64_t *lastToken = nullptr, *position = nullptr, *slot = nullptr, *stream = nullptr,
                *number = nullptr;
  cpu::PageAttention<at::BFloat16> attention;
  std::atomic<int64_t> invalid{-1};
};

Bf16DecodeStep::State::State(Model& model, KvCache& cache, const RolloutRequest& request)
    : model(model),
      cache(cache),
      request(request),
      maxRows(std::min(request.maxBatch,
                       static_cast<int64_t>(request.prompts.size()) * request.samplesPerPrompt)) {
  const ModelConfig& c = model.config;
  const int64_t attentionWidth = c.numAttentionHeads * c.headDim;
  x = buffer(c.hiddenSize);
  qkv = buffer(c.qkvSize());
  attended = buffer(attentionWidth);
  packedNormed = packedBuffer(c.hiddenSize);
  packedAttended = packedBuffer(attentionWidth);
  packedActivated = packedBuffer(c.intermediateSize);
  const int64_t together = kMostLogitBytes / (c.vocabSize * int64_t{sizeof(float)});
  logits = at::empty(
      {std::min(maxRows, std::max(cpu::kRowBlock, together / cpu::kRowBlock * cpu::kRowBlock)), c.vocabSize},
      at::kFloat);
  tokens = at::empty({maxRows}, at::kLong);
  logprobs = at::empty({maxRows}, at::kFloat);
  cpu::PageAttention<at::BFloat16>& a = attention;
  a.kvHeads = c.numKeyValueHeads;
  a.perKv = c.numAttentionHeads / c.numKeyValueHeads;
  a.headDim = c.headDim;
  a.query = data(qkv);
  a.queryStride = c.qkvSize();
  a.out = data(attended);
  a.outStride = attentionWidth;
  a.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.headDim)));
}

void Bf16DecodeStep::State::embed(int64_t rows) {
  const int64_t hidden = model.config.hiddenSize;
  const auto* table = model.weights.embedding.const_data_ptr<at::BFloat16>();
  for (int64_t i = 0; i < rows; ++i)
    std::memcpy(data(x) + i * hidden, table + lastToken[i] * hidden,
                static_cast<size_t>(hidden) * sizeof(at::BFloat16));
}

// packedNormed = the RMSNorm of x.
void Bf16DecodeStep::State::normAndPack(const at::Tensor& weight, int64_t rows) {
  const int64_t hidden = model.config.hiddenSize, blocks = (rows + cpu::kRowBlock - 1) / cpu::kRowBlock;
  const auto eps = static_cast<float>(model.config.rmsNormEps);
  const auto* scale = weight.const_data_ptr<at::BFloat16>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    std::vector<at::BFloat16> normed(static_cast<size_t>(cpu::kRowBlock * hidden));
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * cpu::kRowBlock, count = std::min(cpu::kRowBlock, rows - first);
      cpu::rmsNormRows(data(x) + first * hidden, scale, eps, normed.data(), count, hidden);
      cpu::packRowBlock(normed.data(), hidden, count, hidden,
                        packed(packedNormed) + cpu::packedElements(first, hidden));
    }
  });
}

void Bf16DecodeStep::State::pack(at::Tensor& from, at::Tensor& to, int64_t rows) {
  const int64_t width = from.size(1), blocks = (rows + cpu::kRowBlock - 1) / cpu::kRowBlock;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * cpu::kRowBlock;
      cpu::packRowBlock(data(from) + first * width, width, std::min(cpu::kRowBlock, rows - first), width,
                        packed(to) + cpu::packedElements(first, width));
    }
  });
}

void Bf16DecodeStep::State::multiply(cpu::Bf16Output output, const at::Tensor& weight, const at::Tensor& bias,
                                     at::Tensor& from, int64_t rows, void* to, int64_t stride) {
  cpu::Bf16Product product;
  product.output = output;
  product.weight = weight.const_data_ptr<at::BFloat16>();
  if (bias.defined()) product.bias = bias.const_data_ptr<at::BFloat16>();
  product.outputs = weight.size(0) / (output == cpu::Bf16Output::kSwiglu ? 2 : 1);
  product.inputs = weight.size(1);
  product.rows = rows;
  product.x = packed(from);
  product.y = to;
  product.yStride = stride;
  at::parallel_for(0, cpu::bf16Units(product), 1,
                   [&](int64_t begin, int64_t end) { cpu::multiplyBf16(product, begin, end); });
}

// Normalises (Qwen3) and rotates the queries of one key/value head and its key, and stores key and value.
void Bf16DecodeStep::State::rotateAndStore(int64_t layer, int64_t row, int64_t head) {
  const ModelConfig& c = model.config;
  const LayerWeights& own = model.weights.layers[layer];
  const int64_t kvHeads = attention.kvHeads, perKv = attention.perKv, width = c.headDim;
  at::BFloat16* query = data(qkv) + row * c.qkvSize();
  at::BFloat16* key = query + (c.numAttentionHeads + head) * width;
  const at::BFloat16* value = key + kvHeads * width;
  query += head * perKv * width;
  if (c.queryKeyNorm) {
    const auto eps = static_cast<float>(c.rmsNormEps);
    cpu::rmsNormRows(query, own.queryNorm.const_data_ptr<at::BFloat16>(), eps, query, perKv, width);
    cpu::rmsNormRows(key, own.keyNorm.const_data_ptr<at::BFloat16>(), eps, key, 1, width);
  }
  const int64_t angles = position[row] * (width / 2);
  const float* cosine = model.ropeCos.const_data_ptr<float>() + angles;
  const float* sine = model.ropeSin.const_data_ptr<float>() + angles;
  cpu::rotateHeads(query, perKv, cosine, sine, width / 2);
  cpu::rotateHeads(key, 1, cosine, sine, width / 2);
  storeHeadMajor(cache.keys(layer).mutable_data_ptr<at::BFloat16>(),
                 cache.values(layer).mutable_data_ptr<at::BFloat16>(), slot[row], kvHeads, head, width, key,
                 value);
}

void Bf16DecodeStep::State::attend(int64_t layer, int64_t rows) {
  attention.keys = cache.keys(layer).const_data_ptr<at::BFloat16>();
  attention.values = cache.values(layer).const_data_ptr<at::BFloat16>();
  std::vector<int64_t> runs;
  for (int64_t row = 0; row < rows; row = cpu::endOfRun(attention, row, rows)) runs.push_back(row);
  const auto count = static_cast<int64_t>(runs.size());
  runs.push_back(rows);
  at::parallel_for(0, count * attention.kvHeads, 1, [&](int64_t begin, int64_t end) {
    thread_local cpu::PageAttentionScratch scratch;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t run = task / attention.kvHeads, head = task % attention.kvHeads;
      for (int64_t row = runs[run]; row < runs[run + 1]; ++row) rotateAndStore(layer, row, head);
      cpu::attendPages(attention, runs[run], runs[run + 1], head, scratch);
    }
  });
}

void Bf16DecodeStep::State::drawAll(int64_t rows) {
  const int64_t vocab = model.config.vocabSize, hidden = model.config.hiddenSize;
  int64_t* token = tokens.mutable_data_ptr<int64_t>();
  float* logprob = logprobs.mutable_data_ptr<float>();
  const float* x = logits.const_data_ptr<float>();
  for (int64_t first = 0; first < rows; first += logits.size(0)) {
    const int64_t count = std::min(logits.size(0), rows - first);
    at::Tensor from =
        packedNormed.narrow(0, cpu::packedElements(first, hidden), cpu::packedElements(count, hidden));
    multiply(cpu::Bf16Output::kFloat, model.weights.lmHead, at::Tensor(), from, count,
             logits.mutable_data_ptr(), vocab);
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      thread_local cpu::SamplerScratch scratch;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = first + i;
        const double uniform = philoxUniform(request.seed, static_cast<uint64_t>(stream[row]),
                                             static_cast<uint64_t>(number[row]));
        if (!cpu::sampleRow(x + i * vocab, vocab, request.sampling, uniform, scratch, token[row],
                            logprob[row]))
          invalid = row;
      }
    });
  }
}

void Bf16DecodeStep::State::step(int64_t rows) {
  using enum cpu::Bf16Output;
  const int64_t hidden = model.config.hiddenSize;
  embed(rows);
  for (size_t i = 0; i < model.weights.layers.size(); ++i) {
    const LayerWeights& layer = model.weights.layers[i];
    normAndPack(layer.inputNorm, rows);
    multiply(kStore, layer.qkvWeight, layer.qkvBias, packedNormed, rows, data(qkv), qkv.size(1));
    attend(static_cast<int64_t>(i), rows);
    pack(attended, packedAttended, rows);
    multiply(kAdd, layer.outputWeight, layer.outputBias, packedAttended, rows, data(x), hidden);
    normAndPack(layer.postAttentionNorm, rows);
    multiply(kSwiglu, layer.gateUpWeight, layer.gateUpBias, packedNormed, rows, packed(packedActivated), 0);
    multiply(kAdd, layer.downWeight, layer.downBias, packedActivated, rows, data(x), hidden);
  }
  normAndPack(model.weights.finalNorm, rows);
  drawAll(rows);
}

bool Bf16DecodeStep::supports(const Model& model) {
  const ModelConfig& c = model.config;
  const auto whole = [](int64_t inputs) { return inputs % cpu::kInputBlock == 0; };
  return model.device.is_cpu() && model.dtype == at::kBFloat16 && c.headDim % 16 == 0 &&
         whole(c.hiddenSize) && whole(c.intermediateSize) && whole(c.numAttentionHeads * c.headDim);
}

Bf16DecodeStep::Bf16DecodeStep(Model& model, KvCache& cache, const RolloutRequest& request)
    : state_(std::make_unique<State>(model, cache, request)) {}
Bf16DecodeStep::~Bf16DecodeStep() = default;

void Bf16DecodeStep::run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) {
  State& s = *state_;
  const int64_t rows = indices.decoding;
  s.lastToken = indices.tokens().const_data_ptr<int64_t>();
  s.position = indices.positions().const_data_ptr<int64_t>();
  s.slot = indices.slots().const_data_ptr<int64_t>();
  s.stream = indices.streams().const_data_ptr<int64_t>();
  s.number = indices.steps().const_data_ptr<int64_t>();
  const at::Tensor prefixTable = indices.prefixTable(), suffixTable = indices.suffixTable();
  s.attention.prefixIndex = indices.prefixIndex().const_data_ptr<int32_t>();
  s.attention.prefixTable = prefixTable.const_data_ptr<int32_t>();
  s.attention.prefixLength = indices.prefixLength().const_data_ptr<int32_t>();
  s.attention.suffixTable = suffixTable.const_data_ptr<int32_t>();
  s.attention.suffixLength = indices.suffixLength().const_data_ptr<int32_t>();
  s.attention.prefixColumns = prefixTable.stride(0);
  s.attention.suffixColumns = suffixTable.stride(0);
  s.invalid = -1;
  s.step(rows);
  if (s.invalid >= 0) cpu::throwInvalidLogits(s.invalid);
  tokens = s.tokens.narrow(0, 0, rows);
  logprobs = s.logprobs.narrow(0, 0, rows);
}

}  // namespace toolr0
