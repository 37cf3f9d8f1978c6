// The merging of causal and prefix attention, with a plain kernel in FlashAttention's place (which needs a
// GPU): what is tested here is everything around it. Where CUDA is present the real kernel is run too.
#include <limits>

#include "check.h"
#include "kernels/packed_attention_varlen.h"

using namespace toolr0;

namespace {

double largest(const at::Tensor& got, const at::Tensor& expected) {
  return (got.to(at::kCPU, at::kFloat) - expected.to(at::kCPU, at::kFloat)).abs().max().item<double>();
}

// Probabilities and scaled scores of one sequence: [H, q, k].
at::Tensor scoresOf(const at::Tensor& q, const at::Tensor& k, const VarlenCall& call) {
  at::Tensor scores =
      at::bmm(q.transpose(0, 1), k.repeat_interleave(q.size(1) / k.size(1), 1).permute({1, 2, 0})) *
      call.scale;
  if (!call.causal) return scores;
  const at::Tensor allowed = at::ones({q.size(0), k.size(0)}, at::kBool).tril();
  return scores.masked_fill(allowed.logical_not(), -std::numeric_limits<float>::infinity());
}

VarlenKernel plainKernel() {
  const auto each = [](const VarlenCall& call, auto&& fn) {
    const int32_t* q = call.queryOffsets.const_data_ptr<int32_t>();
    const int32_t* k = call.keyOffsets.const_data_ptr<int32_t>();
    for (int64_t i = 0; i + 1 < call.queryOffsets.numel(); ++i)
      fn(q[i], q[i + 1] - q[i], k[i], k[i + 1] - k[i]);
  };
  VarlenKernel kernel;
  kernel.forward = [each](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const VarlenCall& call) {
    at::Tensor out = at::zeros(q.sizes()), lse = at::zeros({q.size(1), q.size(0)});
    each(call, [&](int64_t qBegin, int64_t qCount, int64_t kBegin, int64_t kCount) {
      CHECK(qCount <= call.longestQuery && kCount <= call.longestKey);
      const at::Tensor scores = scoresOf(q.narrow(0, qBegin, qCount), k.narrow(0, kBegin, kCount), call);
      const at::Tensor values =
          v.narrow(0, kBegin, kCount).repeat_interleave(q.size(1) / k.size(1), 1).transpose(0, 1);
      out.narrow(0, qBegin, qCount).copy_(at::bmm(scores.softmax(-1), values).transpose(0, 1));
      lse.narrow(1, qBegin, qCount).copy_(scores.logsumexp({-1}));
    });
    return std::tuple(out, lse);
  };
  kernel.backward = [each](const at::Tensor& dOut, const at::Tensor& q, const at::Tensor& k,
                           const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse,
                           const VarlenCall& call) {
    at::Tensor dq = at::zeros(q.sizes()), dk = at::zeros(k.sizes()), dv = at::zeros(v.sizes());
    const int64_t group = q.size(1) / k.size(1);
    const auto sumGroups = [&](const at::Tensor& x) {  // [H, k, D] → [k, Hkv, D]
      return x.view({k.size(1), group, x.size(1), x.size(2)}).sum(1).transpose(0, 1);
    };
    each(call, [&](int64_t qBegin, int64_t qCount, int64_t kBegin, int64_t kCount) {
      const at::Tensor query = q.narrow(0, qBegin, qCount), keys = k.narrow(0, kBegin, kCount);
      const at::Tensor d = dOut.narrow(0, qBegin, qCount).transpose(0, 1);
      const at::Tensor o = out.narrow(0, qBegin, qCount).transpose(0, 1);
      const at::Tensor values = v.narrow(0, kBegin, kCount).repeat_interleave(group, 1).transpose(0, 1);
      const at::Tensor p = (scoresOf(query, keys, call) - lse.narrow(1, qBegin, qCount).unsqueeze(-1)).exp();
      const at::Tensor dScores =
          p * (at::bmm(d, values.transpose(1, 2)) - (d * o).sum(-1, /*keepdim=*/true)) * call.scale;
      dq.narrow(0, qBegin, qCount)
          .copy_(at::bmm(dScores, keys.repeat_interleave(group, 1).transpose(0, 1)).transpose(0, 1));
      dk.narrow(0, kBegin, kCount).add_(sumGroups(at::bmm(dScores.transpose(1, 2), query.transpose(0, 1))));
      dv.narrow(0, kBegin, kCount).add_(sumGroups(at::bmm(p.transpose(1, 2), d)));
    });
    return std::tuple(dq, dk, dv);
  };
  return kernel;
}

std::vector<Segment> segmentsOf(const std::vector<std::pair<int64_t, int32_t>>& lengthsAndPrefixes) {
  std::vector<Segment> segments;
  int64_t next = 0;
  for (const auto& [length, prefix] : lengthsAndPrefixes) {
    segments.push_back({next, length, prefix});
    next += length;
  }
  return segments;
}

void compare(const VarlenKernel& kernel, const std::vector<Segment>& segments, at::Device device,
             at::ScalarType type, double tolerance) {
  const int64_t tokens = segments.back().begin + segments.back().length, heads = 4, keyHeads = 2, dim = 32;
  const at::Tensor fused = at::randn({tokens, heads + 2 * keyHeads, dim}).to(device, type);
  const at::Tensor q = fused.narrow(1, 0, heads), k = fused.narrow(1, heads, keyHeads);
  const at::Tensor v = fused.narrow(1, heads + keyHeads, keyHeads),
                   dOut = at::randn({tokens, heads, dim}).to(device, type);
  const double scale = 0.2;
  at::Tensor lse, expectedLse;
  const at::Tensor out = varlenAttention(kernel, q, k, v, segments, scale, lse);
  const at::Tensor expected = reference::packedAttention(q, k, v, segments, scale, expectedLse);
  CHECK(largest(out, expected) < tolerance);
  CHECK(largest(lse, expectedLse) < tolerance);
  at::Tensor dq, dk, dv, expectedDq, expectedDk;
  at::Tensor intoExisting = at::full(v.sizes(), 5.0, v.options()), expectedDv;
  dv = intoExisting;
  varlenAttentionBackward(kernel, dOut, q, k, v, out, lse, segments, scale, dq, dk, dv);
  reference::packedAttentionBackward(dOut, q, k, v, expected, expectedLse, segments, scale, expectedDq,
                                     expectedDk, expectedDv);
  CHECK(largest(dq, expectedDq) < tolerance);
  CHECK(largest(dk, expectedDk) < tolerance * 2);
  CHECK(largest(intoExisting, expectedDv) < tolerance * 2);
}

}  // namespace

int main() {
  at::manual_seed(5);
  const std::vector<std::vector<Segment>> batches = {
      segmentsOf({{9, -1}, {17, -1}, {3, -1}}),                          // no prefixes
      segmentsOf({{9, -1}, {17, -1}, {4, 0}, {1, 0}, {6, 1}, {11, 1}}),  // prompts, then completions
      segmentsOf({{9, -1}, {17, -1}, {8, -1}, {4, 2}, {6, 0}, {5, -1}, {2, 0}, {7, 1}})  // rows that are not
                                                                                         // one range
  };
  for (const auto& segments : batches) compare(plainKernel(), segments, at::kCPU, at::kFloat, 2e-5);
  CHECK(!suitsFlash(at::zeros({29, 4, 32}, at::kBFloat16), batches[0]));
  if (at::hasCUDA()) {
    for (const auto& segments : batches) compare(flashKernel(), segments, at::kCUDA, at::kBFloat16, 0.06);
  } else {
    std::printf("no CUDA device: FlashAttention itself was not run\n");
  }
  return check::report();
}
