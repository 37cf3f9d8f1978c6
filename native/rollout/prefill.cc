#include "rollout/prefill.h"

#include <algorithm>
#include <cmath>

#include "kernels/packed_attention.h"
#include "model/decoder.h"

namespace toolr0 {
namespace {

// The token lists of a pass.
struct PackedTokens {
  std::vector<int64_t> tokens, positions, slots;
  std::vector<Segment> segments;

  void beginSegment(int32_t prefix) { segments.push_back({static_cast<int64_t>(tokens.size()), 0, prefix}); }
  void add(int32_t token, int64_t position, int64_t slot) {
    tokens.push_back(token);
    positions.push_back(position);
    slots.push_back(slot);
    ++segments.back().length;
  }
};

int64_t slotOf(const std::vector<int32_t>& pages, int64_t index) {
  return pages[index / kPageSize] * kPageSize + index % kPageSize;
}

}  // namespace

at::Tensor longTensor(const std::vector<int64_t>& values, at::Device device) {
  const auto count = static_cast<int64_t>(values.size());
  at::Tensor host = at::empty({count}, at::TensorOptions().dtype(at::kLong).pinned_memory(!device.is_cpu()));
  std::copy(values.begin(), values.end(), host.mutable_data_ptr<int64_t>());
  // libtorch's allocator of pinned memory reuses the buffer only after the copy has been made.
  return device.is_cpu() ? host : host.to(device, /*non_blocking=*/true);
}

Prefill::Prefill(Model& model, Scheduler& scheduler, KvCache& cache, const CancelToken& cancel)
    : model_(model),
      scheduler_(scheduler),
      cache_(cache),
      cancel_(cancel),
      lastHidden_(at::zeros({static_cast<int64_t>(scheduler.prompts().size()), model.config.hiddenSize},
                            at::TensorOptions().device(model.device).dtype(model.dtype))),
      scale_(1.0 / std::sqrt(static_cast<double>(model.config.headDim))) {}

int64_t Prefill::run(const PrefillPack& pack) {
  PackedTokens packed;
  std::vector<int64_t> stored, lastTokens;  // prompts whose last hidden state is kept, and where it is
  std::vector<int32_t> segmentOf(scheduler_.prompts().size(), -1);
  for (const auto& [index, store] : pack.prompts) {
    const Prompt& prompt = scheduler_.prompts()[index];
    segmentOf[index] = static_cast<int32_t>(packed.segments.size());
    packed.beginSegment(-1);
    for (size_t t = 0; t < prompt.tokens->size(); ++t) {
      const auto position = static_cast<int64_t>(t);
      packed.add((*prompt.tokens)[t], position,
                 store ? slotOf(prompt.pages, position) : cache_.discardSlot());
    }
    if (!store) continue;
    stored.push_back(index);
    lastTokens.push_back(static_cast<int64_t>(packed.tokens.size()) - 1);
  }
  std::vector<int64_t> resumed = pack.resumed;  // completions of one prompt must be adjacent
  std::stable_sort(resumed.begin(), resumed.end(), [&](int64_t a, int64_t b) {
    return scheduler_.sequences()[a].prompt < scheduler_.sequences()[b].prompt;
  });
  for (const int64_t row : resumed) {
    const Sequence& sequence = scheduler_.sequences()[row];
    const auto promptLength = static_cast<int64_t>(scheduler_.prompts()[sequence.prompt].tokens->size());
    packed.beginSegment(segmentOf[sequence.prompt]);
    for (int64_t t = 0; t + 1 < static_cast<int64_t>(sequence.tokens.size()); ++t)
      packed.add(sequence.tokens[t], promptLength + t, slotOf(sequence.pages, t));
  }

  const at::Tensor slots = longTensor(packed.slots, model_.device);
  const at::Tensor hidden = decoderForward(
      model_, longTensor(packed.tokens, model_.device), longTensor(packed.positions, model_.device),
      [&](int64_t layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
        cancel_.throwIfRequested();
        cache_.write(layer, slots, key, value);
        at::Tensor lse;
        return packedAttention(query, key, value, packed.segments, scale_, lse);
      });
  if (!stored.empty())
    lastHidden_.index_copy_(0, longTensor(stored, model_.device),
                            hidden.index_select(0, longTensor(lastTokens, model_.device)));
  return static_cast<int64_t>(packed.tokens.size());
}

at::Tensor Prefill::logits(const std::vector<int64_t>& prompts) const {
  return headLogits(model_, lastHidden_.index_select(0, longTensor(prompts, model_.device)));
}

}  // namespace toolr0
