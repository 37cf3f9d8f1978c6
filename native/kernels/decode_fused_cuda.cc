#include "kernels/cuda_tensor.h"
#include "kernels/decode_fused.h"

namespace toolr0::cuda {
namespace {

void launchNormFor(const at::Tensor& x, const at::Tensor* tokens, const at::Tensor& weight, double eps,
                   at::Tensor* copy, at::Tensor& normed) {
  const int64_t rows = normed.size(0), n = normed.size(1);
  TORCH_CHECK(x.is_contiguous() && normed.is_contiguous() && x.size(1) == n && weight.size(0) == n,
              "rmsNormInto: contiguous [rows, n] expected");
  const c10::cuda::CUDAGuard guard(x.device());
  dispatchFloat(x.scalar_type(), "rmsNormInto", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    TORCH_CHECK(n <= maxNormLength<T>(n), "rmsNormInto: rows of ", n, " elements are too long");
    launchNorm(pointer<const T>(x), tokens != nullptr ? pointer<const int64_t>(*tokens) : nullptr,
               pointer<const T>(weight), static_cast<float>(eps),
               copy != nullptr ? pointer<T>(*copy) : nullptr, pointer<T>(normed), rows, n, streamOf(x));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

void embedRmsNorm(const at::Tensor& tokens, const at::Tensor& embedding, const at::Tensor& weight, double eps,
                  at::Tensor& x, at::Tensor& normed) {
  TORCH_CHECK(tokens.is_contiguous() && x.is_contiguous(), "embedRmsNorm: contiguous tensors expected");
  launchNormFor(embedding, &tokens, weight, eps, &x, normed);
}

void rmsNormInto(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& normed) {
  launchNormFor(x, nullptr, weight, eps, nullptr, normed);
}

void ropeAndStore(at::Tensor& qkv, const RopeStoreInput& in) {
  const int64_t headDim = in.keyPages.size(3), keyHeads = in.keyPages.size(2);
  const int64_t heads = qkv.size(1) / headDim - 2 * keyHeads;
  TORCH_CHECK(qkv.is_contiguous() && in.keyPages.is_contiguous() && in.valuePages.is_contiguous() &&
                  in.positions.is_contiguous() && in.slots.is_contiguous(),
              "ropeAndStore: contiguous tensors expected");
  TORCH_CHECK(headDim % 2 == 0 && headDim <= kMaxDecodeHeadDim, "ropeAndStore: head dimension ", headDim);
  const c10::cuda::CUDAGuard guard(qkv.device());
  dispatchFloat(qkv.scalar_type(), "ropeAndStore", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const RopeStorePointers<T> pointers{pointer<const int64_t>(in.positions),
                                        pointer<const int64_t>(in.slots),
                                        pointer<const float>(in.cos),
                                        pointer<const float>(in.sin),
                                        in.queryNorm.defined() ? pointer<const T>(in.queryNorm) : nullptr,
                                        in.keyNorm.defined() ? pointer<const T>(in.keyNorm) : nullptr,
                                        pointer<T>(in.keyPages),
                                        pointer<T>(in.valuePages),
                                        static_cast<int>(heads),
                                        static_cast<int>(keyHeads),
                                        static_cast<int>(headDim),
                                        static_cast<float>(in.eps)};
    launchRopeStore(pointer<T>(qkv), pointers, qkv.size(0), streamOf(qkv));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void swigluInto(const at::Tensor& gateUp, at::Tensor& out) {
  TORCH_CHECK(gateUp.is_contiguous() && out.is_contiguous(), "swigluInto: contiguous tensors expected");
  const c10::cuda::CUDAGuard guard(gateUp.device());
  dispatchFloat(gateUp.scalar_type(), "swigluInto", [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launchSwigluPack(pointer<const T>(gateUp), pointer<T>(out), out.size(0), out.size(1), streamOf(gateUp));
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace toolr0::cuda
