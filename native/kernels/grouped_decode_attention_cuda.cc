#include "kernels/cuda_tensor.h"
#include "kernels/grouped_decode_attention.h"

namespace toolr0::cuda {

void groupedDecodeAttention(const GroupedDecodeInput& input, at::Tensor& out) {
  const DecodeAttentionInput& in = input.rows;
  const at::Tensor &query = in.query, &keys = in.keyPages;
  const int64_t rows = query.size(0), heads = query.size(1), dim = query.size(2), kvHeads = keys.size(2);
  if (query.scalar_type() != at::kBFloat16 || !groupedDecodeTakes(dim, heads, kvHeads))
    return decodeAttentionInto(in, out);
  TORCH_CHECK(query.stride(2) == 1 && query.stride(1) == dim && query.stride(0) % 8 == 0 &&
                  out.is_contiguous() && keys.is_contiguous() && in.valuePages.is_contiguous(),
              "groupedDecodeAttention: adjacent heads, contiguous pages and output expected");
  for (const at::Tensor* table : {&in.prefixIndex, &in.prefixTable, &in.prefixLength, &in.suffixTable,
                                  &in.suffixLength, &input.runStart, &input.runCount})
    TORCH_CHECK(table->scalar_type() == at::kInt && table->is_contiguous(),
                "groupedDecodeAttention: tables and lengths are contiguous int32");
  const int64_t runs = input.runStart.size(0);
  const DecodeSplits splits = decodeSplits(rows, runs, kvHeads, maxRowsPerRun(heads, kvHeads));
  TORCH_CHECK(input.scratch.numel() >= rows * heads * (splits.prefix + splits.suffix) * (dim + 2) &&
                  input.arrived.numel() >= rows * kvHeads,
              "groupedDecodeAttention: scratch too small");
  const c10::cuda::CUDAGuard guard(query.device());
  const GroupedDecodePointers pointers{pointer<const __nv_bfloat16>(query),
                                       pointer<const __nv_bfloat16>(keys),
                                       pointer<const __nv_bfloat16>(in.valuePages),
                                       pointer<const int32_t>(in.prefixIndex),
                                       pointer<const int32_t>(in.prefixTable),
                                       pointer<const int32_t>(in.prefixLength),
                                       pointer<const int32_t>(in.suffixTable),
                                       pointer<const int32_t>(in.suffixLength),
                                       pointer<const int32_t>(input.runStart),
                                       pointer<const int32_t>(input.runCount),
                                       pointer<__nv_bfloat16>(out),
                                       pointer<float>(input.scratch),
                                       pointer<int>(input.arrived),
                                       query.stride(0),
                                       static_cast<int>(rows),
                                       static_cast<int>(runs),
                                       static_cast<int>(heads),
                                       static_cast<int>(kvHeads),
                                       static_cast<int>(keys.size(1)),
                                       static_cast<int>(in.prefixTable.size(1)),
                                       static_cast<int>(in.suffixTable.size(1)),
                                       static_cast<int>(splits.prefix),
                                       static_cast<int>(splits.suffix),
                                       static_cast<float>(in.scale)};
  launchGroupedDecode(pointers, dim, streamOf(query));
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace toolr0::cuda
