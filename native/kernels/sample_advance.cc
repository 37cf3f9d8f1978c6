#include "kernels/sample_advance.h"

#include <algorithm>
#include <cstring>

namespace toolr0 {

at::Tensor samplerParameters(at::Device device) {
  return at::zeros({5}, at::TensorOptions().dtype(at::kLong).device(device));
}

void setSamplerParameters(at::Tensor& parameters, const SamplerOptions& options, uint64_t seed) {
  checkSamplerOptions(options);
  const bool pinned = !parameters.is_cpu();
  at::Tensor host = at::empty({5}, at::TensorOptions().dtype(at::kLong).pinned_memory(pinned));
  auto* words = host.mutable_data_ptr<int64_t>();
  const double reals[] = {options.temperature, options.topP, options.minP};
  words[0] = static_cast<int64_t>(seed);
  std::memcpy(words + 1, reals, sizeof(reals));
  words[4] = options.topK;
  parameters.copy_(host, /*non_blocking=*/true);
}

bool filtersTokens(const SamplerOptions& options) {
  return options.temperature > 0 && (options.topK > 0 || options.topP < 1 || options.minP > 0);
}

int64_t sampleScratch(int64_t rows) {
  return rows * kMaxSampleSplits * kSampleSplitFloats;
}

void sampleAdvance(const SampleAdvanceInput& input, DecodeState& state, at::Tensor& logprobs) {
#if TR0_WITH_CUDA
  if (input.logits.is_cuda()) return cuda::sampleAdvance(input, state, logprobs);
#endif
  reference::sampleAdvance(input, state, logprobs);
}

namespace reference {

void sampleAdvance(const SampleAdvanceInput& input, DecodeState& state, at::Tensor& logprobs) {
  at::Tensor tokens, drawn;
  toolr0::sample(input.logits, input.options, input.seed, state.streams, state.steps, tokens, drawn);
  state.tokens.copy_(tokens);
  logprobs.copy_(drawn);
  const at::Tensor live = state.slots.ne(state.discardSlot);
  state.positions.add_(live);
  state.steps.add_(live);
  state.suffixLength.add_(live);
  // A row that has filled its pages gets a slot of no meaning: the host gives it a page before it runs again.
  const at::Tensor index = state.suffixLength.to(at::kLong).sub_(1);
  const at::Tensor column = at::floor_divide(index, state.pageSize).clamp_max_(state.suffixTable.size(1) - 1);
  const at::Tensor page = state.suffixTable.gather(1, column.unsqueeze(1)).squeeze(1).to(at::kLong);
  const at::Tensor next = page.mul_(state.pageSize).add_(at::remainder(index, state.pageSize));
  state.slots.copy_(at::where(live, next, state.discardSlot));
}

}  // namespace reference
}  // namespace toolr0
