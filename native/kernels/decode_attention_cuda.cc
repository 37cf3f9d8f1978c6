#include "kernels/cuda_tensor.h"
#include "kernels/decode_attention.h"

namespace toolr0::cuda {

void decodeAttentionInto(const DecodeAttentionInput& input, at::Tensor& out) {
  const at::Tensor &query = input.query, &keys = input.keyPages;
  TORCH_CHECK(keys.is_contiguous() && input.valuePages.is_contiguous(),
              "decodeAttention: contiguous pages expected");
  TORCH_CHECK(query.stride(2) == 1 && query.stride(1) == query.size(2) && out.is_contiguous(),
              "decodeAttention: the heads of a row must be adjacent");
  TORCH_CHECK(query.size(2) <= kMaxDecodeHeadDim, "decodeAttention: head dimension over ", kMaxDecodeHeadDim);
  TORCH_CHECK(query.scalar_type() == keys.scalar_type(), "decodeAttention: query and pages differ in dtype");
  const c10::cuda::CUDAGuard guard(query.device());
  if (query.size(0) == 0) return;
  for (const at::Tensor* table :
       {&input.prefixIndex, &input.prefixTable, &input.prefixLength, &input.suffixTable, &input.suffixLength})
    TORCH_CHECK(table->scalar_type() == at::kInt && table->is_contiguous(),
                "decodeAttention: page tables and lengths are contiguous int32");
  dispatchFloat(query.scalar_type(), "decodeAttention", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const DecodeAttentionPointers<T> pointers{pointer<const T>(query),
                                              pointer<const T>(keys),
                                              pointer<const T>(input.valuePages),
                                              pointer<const int32_t>(input.prefixIndex),
                                              pointer<const int32_t>(input.prefixTable),
                                              pointer<const int32_t>(input.prefixLength),
                                              pointer<const int32_t>(input.suffixTable),
                                              pointer<const int32_t>(input.suffixLength),
                                              pointer<T>(out),
                                              query.stride(0),
                                              query.size(0),
                                              query.size(1),
                                              keys.size(2),
                                              query.size(2),
                                              keys.size(1),
                                              input.prefixTable.size(1),
                                              input.suffixTable.size(1),
                                              static_cast<float>(input.scale)};
    launchDecodeAttention(pointers, streamOf(query));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

at::Tensor decodeAttention(const DecodeAttentionInput& input) {
  DecodeAttentionInput dense = input;
  for (at::Tensor* t : {&dense.query, &dense.prefixIndex, &dense.prefixTable, &dense.prefixLength,
                        &dense.suffixTable, &dense.suffixLength})
    *t = t->contiguous();
  at::Tensor out = at::empty_like(dense.query);
  decodeAttentionInto(dense, out);
  return out;
}

}  // namespace toolr0::cuda
