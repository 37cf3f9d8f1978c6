#include "kernels/packed_attention_varlen.h"

#include <algorithm>

namespace toolr0 {
namespace {

// Rows of a token-major tensor: a contiguous range where possible, else an index.
class Rows {
 public:
  Rows(std::vector<int64_t> rows, at::Device device)
      : begin_(rows.empty() ? 0 : rows.front()), count_(rows.size()) {
    bool contiguous = true;
    for (size_t i = 0; i < rows.size(); ++i)
      contiguous = contiguous && rows[i] == begin_ + static_cast<int64_t>(i);
    if (!contiguous) index_ = at::tensor(rows, at::kLong).to(device);
  }
  at::Tensor of(const at::Tensor& x) const {
    return index_.defined() ? x.index_select(0, index_) : x.narrow(0, begin_, static_cast<int64_t>(count_));
  }
  void assign(const at::Tensor& x, const at::Tensor& values) const {
    if (index_.defined()) {
      at::Tensor(x).index_copy_(0, index_, values);
    } else {
      of(x).copy_(values);
    }
  }
  void add(const at::Tensor& x, const at::Tensor& values) const {
    if (index_.defined()) {
      at::Tensor(x).index_add_(0, index_, values);
    } else {
      of(x).add_(values);
    }
  }

 private:
  int64_t begin_;
  size_t count_;
  at::Tensor index_;
};

at::Tensor offsetsOf(const std::vector<int64_t>& lengths, at::Device device) {
  std::vector<int32_t> offsets{0};
  for (const int64_t length : lengths) offsets.push_back(offsets.back() + static_cast<int32_t>(length));
  return at::tensor(offsets, at::kInt).to(device);
}

int64_t longestOf(const std::vector<int64_t>& lengths) {
  return lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
}

// The two calls of a batch, and which rows the second one works on.
struct VarlenPlan {
  VarlenCall own, prefix;
  Rows queryRows, keyRows;  // of the prefix call
  bool hasPrefixes;
};

VarlenPlan makePlan(const std::vector<Segment>& segments, double scale, at::Device device) {
  std::vector<int64_t> lengths, runLengths, prefixLengths, queryRows, keyRows;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    lengths.push_back(segment.length);
    if (segment.prefix < 0) continue;
    const bool continuesRun = i > 0 && segments[i - 1].prefix == segment.prefix;
    if (continuesRun) {
      runLengths.back() += segment.length;
    } else {
      const Segment& prefix = segments[static_cast<size_t>(segment.prefix)];
      runLengths.push_back(segment.length);
      prefixLengths.push_back(prefix.length);
      for (int64_t t = 0; t < prefix.length; ++t) keyRows.push_back(prefix.begin + t);
    }
    for (int64_t t = 0; t < segment.length; ++t) queryRows.push_back(segment.begin + t);
  }
  const int64_t longest = longestOf(lengths);
  const at::Tensor ownOffsets = offsetsOf(lengths, device);
  return {{ownOffsets, ownOffsets, longest, longest, true, scale},
          {offsetsOf(runLengths, device), offsetsOf(prefixLengths, device), longestOf(runLengths),
           longestOf(prefixLengths), false, scale},
          Rows(queryRows, device),
          Rows(keyRows, device),
          !queryRows.empty()};
}

// All layers of a pass ask for the same plan, and making one stalls the stream (its offsets are uploaded from
// ordinary memory), so each thread keeps its last one. Never freed: a thread may end after CUDA has.
const VarlenPlan& planOf(const std::vector<Segment>& segments, double scale, at::Device device) {
  struct Kept {
    std::vector<Segment> segments;
    double scale;
    at::Device device;
    VarlenPlan plan;
  };
  static thread_local Kept* kept = nullptr;
  const auto same = [](const Segment& a, const Segment& b) {
    return a.begin == b.begin && a.length == b.length && a.prefix == b.prefix;
  };
  if (kept != nullptr && kept->scale == scale && kept->device == device &&
      std::equal(segments.begin(), segments.end(), kept->segments.begin(), kept->segments.end(), same))
    return kept->plan;
  Kept* made = new Kept{segments, scale, device, makePlan(segments, scale, device)};
  delete kept;
  kept = made;
  return kept->plan;
}

}  // namespace

bool suitsFlash(const at::Tensor& query, const std::vector<Segment>& segments) {
  const bool narrow = query.scalar_type() == at::kBFloat16 || query.scalar_type() == at::kHalf;
  if (!query.is_cuda() || !narrow || query.size(2) % 8 != 0 || query.size(2) > 256) return false;
  int64_t next = 0;
  for (const Segment& segment : segments) {
    if (segment.begin != next || segment.length < 1) return false;
    next += segment.length;
  }
  return next > 0 && next == query.size(0);
}

VarlenKernel flashKernel() {
  VarlenKernel kernel;
  kernel.forward = [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const VarlenCall& call) {
    const auto result =
        at::_flash_attention_forward(q, k, v, call.queryOffsets, call.keyOffsets, call.longestQuery,
                                     call.longestKey, /*dropout_p=*/0.0, call.causal,
                                     /*return_debug_mask=*/false, call.scale);
    return std::tuple(std::get<0>(result), std::get<1>(result));
  };
  kernel.backward = [](const at::Tensor& dOut, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                       const at::Tensor& out, const at::Tensor& lse, const VarlenCall& call) {
    // Without dropout the random state is not read.
    const at::Tensor unused = at::empty({2}, q.options().dtype(at::kLong));
    return at::_flash_attention_backward(dOut, q, k, v, out, lse, call.queryOffsets, call.keyOffsets,
                                         call.longestQuery, call.longestKey, /*dropout_p=*/0.0, call.causal,
                                         unused, unused, call.scale);
  };
  return kernel;
}

at::Tensor varlenAttention(const VarlenKernel& kernel, const at::Tensor& query, const at::Tensor& key,
                           const at::Tensor& value, const std::vector<Segment>& segments, double scale,
                           at::Tensor& lse) {
  const VarlenPlan& plan = planOf(segments, scale, query.device());
  auto [out, ownLse] = kernel.forward(query, key, value, plan.own);
  out = out.contiguous();
  lse = ownLse.t().contiguous();
  if (!plan.hasPrefixes) return out;
  const auto [prefixOut, prefixLse] =
      kernel.forward(plan.queryRows.of(query), plan.keyRows.of(key), plan.keyRows.of(value), plan.prefix);
  const at::Tensor partLse = plan.queryRows.of(lse), otherLse = prefixLse.t();
  const at::Tensor merged = at::logaddexp(partLse, otherLse);
  const at::Tensor mixed = plan.queryRows.of(out).to(at::kFloat) * (partLse - merged).exp().unsqueeze(-1) +
                           prefixOut.to(at::kFloat) * (otherLse - merged).exp().unsqueeze(-1);
  plan.queryRows.assign(out, mixed.to(out.scalar_type()));
  plan.queryRows.assign(lse, merged);
  return out;
}

void varlenAttentionBackward(const VarlenKernel& kernel, const at::Tensor& dOut, const at::Tensor& query,
                             const at::Tensor& key, const at::Tensor& value, const at::Tensor& out,
                             const at::Tensor& lse, const std::vector<Segment>& segments, double scale,
                             at::Tensor& dQuery, at::Tensor& dKey, at::Tensor& dValue) {
  const VarlenPlan& plan = planOf(segments, scale, query.device());
  auto [dq, dk, dv] = kernel.backward(dOut, query, key, value, out, lse.t().contiguous(), plan.own);
  if (plan.hasPrefixes) {
    const auto [prefixDq, prefixDk, prefixDv] = kernel.backward(
        plan.queryRows.of(dOut), plan.queryRows.of(query), plan.keyRows.of(key), plan.keyRows.of(value),
        plan.queryRows.of(out), plan.queryRows.of(lse).t().contiguous(), plan.prefix);
    plan.queryRows.add(dq, prefixDq);
    plan.keyRows.add(dk, prefixDk);
    plan.keyRows.add(dv, prefixDv);
  }
  const auto hand = [](at::Tensor& to, const at::Tensor& from) {
    if (to.defined()) {
      to.copy_(from);
    } else {
      to = from;
    }
  };
  hand(dQuery, dq);
  hand(dKey, dk);
  hand(dValue, dv);
}

}  // namespace toolr0
