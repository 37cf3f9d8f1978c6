#include "kernels/cuda_tensor.h"
#include "kernels/decode_attention.h"

namespace toolr0::cuda {

at::Tensor decodeAttention(const DecodeAttentionInput& input) {
  const at::Tensor query = input.query.contiguous();
  const at::Tensor& keys = input.keyPages;
  TORCH_CHECK(keys.is_contiguous() && input.valuePages.is_contiguous(),
              "decodeAttention: contiguous pages expected");
  TORCH_CHECK(query.size(2) <= kMaxDecodeHeadDim, "decodeAttention: head dimension over ", kMaxDecodeHeadDim);
  TORCH_CHECK(query.scalar_type() == keys.scalar_type(), "decodeAttention: query and pages differ in dtype");
  const c10::cuda::CUDAGuard guard(query.device());
  at::Tensor out = at::empty_like(query);
  if (query.size(0) == 0) return out;
  const at::Tensor prefixIndex = input.prefixIndex.contiguous(), prefixTable = input.prefixTable.contiguous(),
                   prefixLength = input.prefixLength.contiguous(),
                   suffixTable = input.suffixTable.contiguous(),
                   suffixLength = input.suffixLength.contiguous();
  dispatchFloat(query.scalar_type(), "decodeAttention", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const DecodeAttentionPointers<T> pointers{pointer<const T>(query),
                                              pointer<const T>(keys),
                                              pointer<const T>(input.valuePages),
                                              pointer<const int32_t>(prefixIndex),
                                              pointer<const int32_t>(prefixTable),
                                              pointer<const int32_t>(prefixLength),
                                              pointer<const int32_t>(suffixTable),
                                              pointer<const int32_t>(suffixLength),
                                              pointer<T>(out),
                                              query.size(0),
                                              query.size(1),
                                              keys.size(2),
                                              query.size(2),
                                              keys.size(1),
                                              prefixTable.size(1),
                                              suffixTable.size(1),
                                              static_cast<float>(input.scale)};
    launchDecodeAttention(pointers, streamOf(query));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return out;
}

}  // namespace toolr0::cuda
