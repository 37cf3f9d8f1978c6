#include "rollout/cpu_decode_step.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "kernels/page_attention.h"
#include "kernels/philox.h"
#include "kernels/row_ops.h"
#include "kernels/sampler_row.h"
#include "rollout/panel_weights.h"

namespace toolr0 {
namespace {

// fp32 weights that are read by every thread in every step: beyond the caches, dividing the matrices instead
// of the rows is faster.
constexpr int64_t kMostWeights = int64_t{8} << 20;
// Rows that go through a layer together. While one block is multiplied, the keys and values that the next
// will attend to are fetched: with a layer's weights they are to fit the second-level cache.
constexpr int64_t kBlockRows = 32;
constexpr int64_t kMostFetched = int64_t{1} << 20;
// Fewer rows than this are not worth another thread's pass over the weights.
constexpr int64_t kLeastRows = 4;

int64_t roundedTo(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

}  // namespace

struct CpuDecodeStep::State {
  // [rows, width] fp32, rows padded to whole panels.
  struct RowBuffer {
    at::Tensor memory;
    int64_t stride = 0;
    void allocate(int64_t rows, int64_t width) {
      // One more cache line, so that rows a power of two apart do not share their cache sets.
      stride = roundedTo(width, cpu::panelWidth()) + 16;
      memory = at::zeros({rows, stride}, at::kFloat);
    }
    float* row(int64_t i) { return memory.mutable_data_ptr<float>() + i * stride; }
  };

  struct ThreadScratch {
    cpu::PageAttentionScratch attention;
    cpu::SamplerScratch sampler;
    std::vector<std::vector<int64_t>> pageOffsets;  // by block of rows: what PanelAhead fetches
  };

  State(Model& model, KvCache& cache, const RolloutRequest& request)
      : model(model), cache(cache), request(request), weights(model) {
    const ModelConfig& c = model.config;
    const int64_t rows =
        std::min(request.maxBatch, static_cast<int64_t>(request.prompts.size()) * request.samplesPerPrompt);
    x.allocate(rows, c.hiddenSize);
    normed.allocate(rows, c.hiddenSize);
    qkv.allocate(rows, c.qkvSize());
    attended.allocate(rows, c.numAttentionHeads * c.headDim);
    activated.allocate(rows, c.intermediateSize);
    logits.allocate(rows, c.vocabSize);
    tokens = at::empty({rows}, at::kLong);
    logprobs = at::empty({rows}, at::kFloat);
  }

  void product(cpu::PanelOutput output, const cpu::PanelMatrix& matrix, RowBuffer& from, int64_t begin,
               int64_t end, RowBuffer& to, cpu::PanelAhead* ahead = nullptr) {
    cpu::panelLinear(output, matrix, from.row(begin), from.stride, end - begin, to.row(begin), to.stride,
                     ahead);
  }
  void norm(const at::Tensor& weight, int64_t begin, int64_t end);
  void embed(int64_t begin, int64_t end);
  void rotateAndStore(int64_t layer, int64_t begin, int64_t end);
  void attend(int64_t layer, int64_t begin, int64_t end, cpu::PageAttentionScratch& scratch);
  void draw(int64_t begin, int64_t end, cpu::SamplerScratch& scratch);
  void listPages(int64_t begin, int64_t end, std::vector<int64_t>& offsets) const;
  void decode(int64_t begin, int64_t end, ThreadScratch& scratch);

  Model& model;
  KvCache& cache;
  const RolloutRequest& request;
  PanelWeights weights;
  RowBuffer x, normed, qkv, attended, activated, logits;
  at::Tensor tokens, logprobs;

  // The step being run.
  const int64_t *lastToken = nullptr, *position = nullptr, *slot = nullptr, *stream = nullptr,
                *step = nullptr;
  cpu::PageAttention<float> attention;
  std::atomic<int64_t> invalid{-1};
};

void CpuDecodeStep::State::norm(const at::Tensor& weight, int64_t begin, int64_t end) {
  const float* scale = weight.const_data_ptr<float>();
  const auto eps = static_cast<float>(model.config.rmsNormEps);
  for (int64_t i = begin; i < end; ++i)
    cpu::rmsNormRows(x.row(i), scale, eps, normed.row(i), 1, model.config.hiddenSize);
}

void CpuDecodeStep::State::embed(int64_t begin, int64_t end) {
  const int64_t hidden = model.config.hiddenSize;
  const float* table = model.weights.embedding.const_data_ptr<float>();
  for (int64_t i = begin; i < end; ++i)
    std::memcpy(x.row(i), table + lastToken[i] * hidden, static_cast<size_t>(hidden) * sizeof(float));
}

void CpuDecodeStep::State::rotateAndStore(int64_t layer, int64_t begin, int64_t end) {
  const ModelConfig& c = model.config;
  const LayerWeights& own = model.weights.layers[layer];
  const int64_t heads = c.numAttentionHeads, kvHeads = c.numKeyValueHeads, width = c.headDim;
  const auto eps = static_cast<float>(c.rmsNormEps);
  const float *cosine = model.ropeCos.const_data_ptr<float>(), *sine = model.ropeSin.const_data_ptr<float>();
  float *keys = cache.keys(layer).mutable_data_ptr<float>(),
        *values = cache.values(layer).mutable_data_ptr<float>();
  for (int64_t i = begin; i < end; ++i) {
    float *query = qkv.row(i), *key = query + heads * width, *value = key + kvHeads * width;
    if (c.queryKeyNorm) {
      cpu::rmsNormRows(query, own.queryNorm.const_data_ptr<float>(), eps, query, heads, width);
      cpu::rmsNormRows(key, own.keyNorm.const_data_ptr<float>(), eps, key, kvHeads, width);
    }
    const int64_t angles = position[i] * (width / 2);
    cpu::rotateHeads(query, heads + kvHeads, cosine + angles, sine + angles, width / 2);
    for (int64_t head = 0; head < kvHeads; ++head)
      storeHeadMajor(keys, values, slot[i], kvHeads, head, width, key + head * width, value + head * width);
  }
}

void CpuDecodeStep::State::attend(int64_t layer, int64_t begin, int64_t end,
                                  cpu::PageAttentionScratch& scratch) {
  cpu::PageAttention<float> own = attention;
  own.keys = cache.keys(layer).const_data_ptr<float>();
  own.values = cache.values(layer).const_data_ptr<float>();
  for (int64_t from = begin; from < end;) {
    const int64_t to = cpu::endOfRun(own, from, end);
    for (int64_t head = 0; head < own.kvHeads; ++head) cpu::attendPages(own, from, to, head, scratch);
    from = to;
  }
}

void CpuDecodeStep::State::draw(int64_t begin, int64_t end, cpu::SamplerScratch& scratch) {
  int64_t* token = tokens.mutable_data_ptr<int64_t>();
  float* logprob = logprobs.mutable_data_ptr<float>();
  for (int64_t i = begin; i < end; ++i) {
    const double uniform =
        philoxUniform(request.seed, static_cast<uint64_t>(stream[i]), static_cast<uint64_t>(step[i]));
    if (!cpu::sampleRow(logits.row(i), model.config.vocabSize, request.sampling, uniform, scratch, token[i],
                        logprob[i]))
      invalid = i;
  }
}

// The pages of rows [begin, end), cut into blocks of kAheadBytes.
void CpuDecodeStep::State::listPages(int64_t begin, int64_t end, std::vector<int64_t>& offsets) const {
  const int64_t pageBytes = attention.kvHeads * attention.headDim * kPageSize * int64_t{sizeof(float)};
  const int64_t most = kMostFetched / (2 * cpu::kAheadBytes);
  offsets.clear();
  const auto add = [&](const int32_t* table, int64_t tokens) {
    for (int64_t page = 0; page < pagesFor(tokens); ++page)
      for (int64_t at = 0; at < pageBytes && static_cast<int64_t>(offsets.size()) < most;
           at += cpu::kAheadBytes)
        offsets.push_back(table[page] * pageBytes + at);
  };
  for (int64_t i = begin; i < end; ++i) {
    const int64_t prompt = attention.prefixIndex[i];
    if (i == begin || prompt != attention.prefixIndex[i - 1])
      add(attention.prefixTable + prompt * attention.prefixColumns, attention.prefixLength[prompt]);
    add(attention.suffixTable + i * attention.suffixColumns, attention.suffixLength[i]);
  }
}

void CpuDecodeStep::State::decode(int64_t begin, int64_t end, ThreadScratch& scratch) {
  using enum cpu::PanelOutput;
  const int64_t blocks = (end - begin + kBlockRows - 1) / kBlockRows;
  const auto edge = [&](int64_t block) { return begin + (end - begin) * block / blocks; };
  const auto layerCount = static_cast<int64_t>(weights.layers.size());
  scratch.pageOffsets.resize(blocks);
  for (int64_t block = 0; block < blocks; ++block)
    listPages(edge(block), edge(block + 1), scratch.pageOffsets[block]);
  embed(begin, end);
  cpu::PanelAhead ahead;
  for (int64_t number = 0; number < layerCount; ++number) {
    const PanelWeights::Layer& packed = weights.layers[number];
    const LayerWeights& layer = model.weights.layers[number];
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t from = edge(block), to = edge(block + 1);
      norm(layer.inputNorm, from, to);
      product(kStore, packed.qkv, normed, from, to, qkv, &ahead);
      rotateAndStore(number, from, to);
      attend(number, from, to, scratch.attention);
      const int64_t nextBlock = (block + 1) % blocks, nextLayer = number + (block + 1) / blocks;
      ahead = {};
      if (nextLayer < layerCount)
        ahead = {cache.keys(nextLayer).const_data_ptr(), cache.values(nextLayer).const_data_ptr(),
                 scratch.pageOffsets[nextBlock].data(),
                 static_cast<int64_t>(scratch.pageOffsets[nextBlock].size()), 0};
      product(kAdd, packed.output, attended, from, to, x, &ahead);
      norm(layer.postAttentionNorm, from, to);
      product(kSwiglu, packed.gateUp, normed, from, to, activated, &ahead);
      product(kAdd, packed.down, activated, from, to, x, &ahead);
    }
  }
  norm(model.weights.finalNorm, begin, end);
  product(kStore, weights.head, normed, begin, end, logits);
  draw(begin, end, scratch.sampler);
}

bool CpuDecodeStep::supports(const Model& model) {
  return model.device.is_cpu() && model.dtype == at::kFloat && model.config.headDim % 16 == 0 &&
         model.parameterCount() <= kMostWeights;
}

CpuDecodeStep::CpuDecodeStep(Model& model, KvCache& cache, const RolloutRequest& request)
    : state_(std::make_unique<State>(model, cache, request)) {}
CpuDecodeStep::~CpuDecodeStep() = default;

void CpuDecodeStep::run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) {
  State& s = *state_;
  const ModelConfig& c = s.model.config;
  const int64_t rows = indices.decoding;
  s.lastToken = indices.tokens().const_data_ptr<int64_t>();
  s.position = indices.positions().const_data_ptr<int64_t>();
  s.slot = indices.slots().const_data_ptr<int64_t>();
  s.stream = indices.streams().const_data_ptr<int64_t>();
  s.step = indices.steps().const_data_ptr<int64_t>();
  cpu::PageAttention<float>& a = s.attention;
  a.kvHeads = c.numKeyValueHeads;
  a.perKv = c.numAttentionHeads / c.numKeyValueHeads;
  a.headDim = c.headDim;
  a.query = s.qkv.row(0);
  a.queryStride = s.qkv.stride;
  a.out = s.attended.row(0);
  a.outStride = s.attended.stride;
  a.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.headDim)));
  const at::Tensor prefixTable = indices.prefixTable(), suffixTable = indices.suffixTable();
  a.prefixIndex = indices.prefixIndex().const_data_ptr<int32_t>();
  a.prefixTable = prefixTable.const_data_ptr<int32_t>();
  a.prefixLength = indices.prefixLength().const_data_ptr<int32_t>();
  a.suffixTable = suffixTable.const_data_ptr<int32_t>();
  a.suffixLength = indices.suffixLength().const_data_ptr<int32_t>();
  a.prefixColumns = prefixTable.stride(0);
  a.suffixColumns = suffixTable.stride(0);

  s.invalid = -1;
  at::parallel_for(0, rows, kLeastRows, [&](int64_t begin, int64_t end) {
    thread_local State::ThreadScratch scratch;
    s.decode(begin, end, scratch);
  });
  if (s.invalid >= 0) cpu::throwInvalidLogits(s.invalid);
  tokens = s.tokens.narrow(0, 0, rows);
  logprobs = s.logprobs.narrow(0, 0, rows);
}

}  // namespace toolr0
