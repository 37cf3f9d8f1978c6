#include "kernels/decode_fused.h"

#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/swiglu.h"

namespace toolr0 {

#if TR0_WITH_CUDA
#define TR0_DISPATCH(op, tensor, ...) \
  if ((tensor).is_cuda()) return cuda::op(__VA_ARGS__)
#else
#define TR0_DISPATCH(op, tensor, ...)
#endif

void embedRmsNorm(const at::Tensor& tokens, const at::Tensor& embedding, const at::Tensor& weight, double eps,
                  at::Tensor& x, at::Tensor& normed) {
  TR0_DISPATCH(embedRmsNorm, embedding, tokens, embedding, weight, eps, x, normed);
  reference::embedRmsNorm(tokens, embedding, weight, eps, x, normed);
}
void rmsNormInto(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& normed) {
  TR0_DISPATCH(rmsNormInto, x, x, weight, eps, normed);
  reference::rmsNormInto(x, weight, eps, normed);
}
void ropeAndStore(at::Tensor& qkv, const RopeStoreInput& input) {
  TR0_DISPATCH(ropeAndStore, qkv, qkv, input);
  reference::ropeAndStore(qkv, input);
}
void swigluInto(const at::Tensor& gateUp, at::Tensor& out) {
  TR0_DISPATCH(swigluInto, gateUp, gateUp, out);
  reference::swigluInto(gateUp, out);
}
#undef TR0_DISPATCH

namespace reference {

void embedRmsNorm(const at::Tensor& tokens, const at::Tensor& embedding, const at::Tensor& weight, double eps,
                  at::Tensor& x, at::Tensor& normed) {
  x.copy_(embedding.index_select(0, tokens));
  rmsNormInto(x, weight, eps, normed);
}

void rmsNormInto(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& normed) {
  at::Tensor rstd;
  normed.copy_(toolr0::rmsNorm(x, weight, eps, rstd));
}

void ropeAndStore(at::Tensor& qkv, const RopeStoreInput& in) {
  const int64_t headDim = in.keyPages.size(3), keyHeads = in.keyPages.size(2);
  const int64_t heads = qkv.size(1) / headDim - 2 * keyHeads;
  const at::Tensor split = qkv.view({qkv.size(0), heads + 2 * keyHeads, headDim});
  const auto prepare = [&](at::Tensor x, const at::Tensor& norm) {
    if (norm.defined()) {
      at::Tensor rstd;
      x.copy_(toolr0::rmsNorm(x.contiguous(), norm, in.eps, rstd));
    }
    toolr0::ropeInPlace(x, in.positions, in.cos, in.sin);
  };
  prepare(split.narrow(1, 0, heads), in.queryNorm);
  prepare(split.narrow(1, heads, keyHeads), in.keyNorm);
  const auto store = [&](const at::Tensor& pages, int64_t firstHead) {
    pages.view({-1, keyHeads, headDim}).index_copy_(0, in.slots, split.narrow(1, firstHead, keyHeads));
  };
  store(in.keyPages, heads);
  store(in.valuePages, heads + keyHeads);
}

void swigluInto(const at::Tensor& gateUp, at::Tensor& out) {
  out.copy_(toolr0::swiglu(gateUp));
}

}  // namespace reference
}  // namespace toolr0
