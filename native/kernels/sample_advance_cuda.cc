#include <algorithm>

#include "kernels/cuda_tensor.h"
#include "kernels/sample_advance.h"

namespace toolr0::cuda {

void sampleAdvance(const SampleAdvanceInput& input, DecodeState& state, at::Tensor& logprobs) {
  const at::Tensor& logits = input.logits;
  const int64_t rows = logits.size(0), vocab = logits.size(1);
  TORCH_CHECK(logits.is_contiguous() && logits.scalar_type() == at::kFloat && logprobs.is_contiguous() &&
                  state.suffixTable.is_contiguous(),
              "sampleAdvance: contiguous float32 logits, log-probabilities and page table expected");
  const c10::cuda::CUDAGuard guard(logits.device());
  const DecodeStatePointers pointers{pointer<int64_t>(state.tokens),
                                     pointer<int64_t>(state.positions),
                                     pointer<int64_t>(state.slots),
                                     pointer<const int64_t>(state.streams),
                                     pointer<int64_t>(state.steps),
                                     pointer<int32_t>(state.suffixLength),
                                     pointer<const int32_t>(state.suffixTable),
                                     state.suffixTable.size(1),
                                     state.pageSize,
                                     state.discardSlot};
  if (filtersTokens(input.options)) {
    launchFilteredSampleAdvance(pointer<const float>(logits), pointer<const int64_t>(input.parameters),
                                pointers, pointer<float>(logprobs), rows, vocab, streamOf(logits));
  } else {
    // Four blocks per SM of an H100/H200, slices of at least a thousand logits.
    const int64_t splits =
        std::clamp<int64_t>(std::min((528 + rows - 1) / rows, vocab / 1024), 1, kMaxSampleSplits);
    TORCH_CHECK(input.scratch.numel() >= rows * splits * kSampleSplitFloats && input.arrived.numel() >= rows,
                "sampleAdvance: scratch too small");
    launchSampleAdvance(pointer<const float>(logits), pointer<const int64_t>(input.parameters), pointers,
                        pointer<float>(logprobs), pointer<float>(input.scratch), pointer<int>(input.arrived),
                        rows, vocab, splits, streamOf(logits));
  }
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace toolr0::cuda
