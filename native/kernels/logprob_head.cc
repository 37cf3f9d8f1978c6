// The head of every policy-gradient loss. Such losses need only d(loss)/d(logprob) per token, so this one
// operation serves them all, and the logits of a batch never exist: chunks of rows go GEMM → one row kernel →
// (backward) one row kernel that turns logits into their gradient in place → two GEMMs.
#include "kernels/logprob_head.h"

#include <algorithm>

#include "kernels/bf16_product.h"
#include "kernels/linear_bf16.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

void check(const at::Tensor& hidden, const at::Tensor& hiddenRow, const at::Tensor& target,
           const at::Tensor& lmHead, double temperature, int64_t chunkRows) {
  if (!(temperature > 0)) throw Error(kConfigError, "log-probabilities need a temperature above 0");
  if (chunkRows < 1) throw Error(kConfigError, "logprobChunkRows must be at least 1");
  TORCH_CHECK(hidden.dim() == 2 && lmHead.dim() == 2 && hidden.size(1) == lmHead.size(1) &&
                  hidden.scalar_type() == lmHead.scalar_type(),
              "logprobHead: hidden ", hidden.sizes(), " does not fit lmHead ", lmHead.sizes());
  TORCH_CHECK(hiddenRow.scalar_type() == at::kLong && target.scalar_type() == at::kLong &&
                  hiddenRow.sizes() == target.sizes() && target.dim() == 1,
              "logprobHead: hiddenRow and target must be int64 [N]");
}

// Half-precision factors are multiplied with an fp32 result. On a CPU that takes matrix tiles; one without
// them widens the factors.
at::Tensor matmulToFloat(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == at::kFloat ? at::mm(a, b) : at::mm(a, b, at::kFloat);
}

class Head {
 public:
  Head(const at::Tensor& hidden, const at::Tensor& lmHead, double temperature)
      : hidden_(hidden), temperature_(temperature) {
    tiles_ = lmHead.is_cpu() && lmHead.scalar_type() == at::kBFloat16 &&
             lmHead.size(1) % cpu::kInputBlock == 0 && lmHead.is_contiguous() && cpu::hasAmx();
    const bool widen = lmHead.is_cpu() && lmHead.scalar_type() != at::kFloat && !tiles_;
    compute_ = widen ? at::kFloat : lmHead.scalar_type();
    lmHead_ = lmHead.to(compute_);  // once, not per chunk
  }
  // [chunk, hidden] in the GEMM's dtype
  at::Tensor gather(const at::Tensor& hiddenRow) const {
    return hidden_.index_select(0, hiddenRow).to(compute_);
  }
  // [chunk, vocab] fp32
  at::Tensor logits(const at::Tensor& rows) const {
    at::Tensor result;
    if (tiles_) {
      result = at::empty({rows.size(0), lmHead_.size(0)}, rows.options().dtype(at::kFloat));
      cpu::productWithTransposed(result, rows, lmHead_);
    } else {
      result = matmulToFloat(rows, lmHead_.t());
    }
    if (temperature_ != 1.0) result.div_(temperature_);
    return result;
  }
  // Consumes `logits`: adds into dLmHead and into dHidden (fp32 [T, hidden]).
  void backward(at::Tensor& logits, const at::Tensor& rows, const at::Tensor& hiddenRow,
                const at::Tensor& target, const at::Tensor& lse, const at::Tensor& dLogprobs,
                at::Tensor& dHidden, at::Tensor& dLmHead) const {
    logprobToLogitsGradient(logits, target, lse, temperature_ == 1.0 ? dLogprobs : dLogprobs / temperature_);
    const at::Tensor dLogits = logits.to(compute_);
    if (compute_ != at::kFloat) logits = at::Tensor();  // the narrow copy is what is multiplied
    if (compute_ == at::kFloat) {
      dLmHead.addmm_(dLogits.t(), rows);
    } else if (tiles_) {
      cpu::addTransposedProduct(dLmHead, dLogits, rows);
    } else {
      dLmHead.add_(matmulToFloat(dLogits.t(), rows));
    }
    // Rounded to the factors' dtype, as what is sent into the decoder will be.
    const at::Tensor dRows =
        tiles_ ? at::mm(dLogits, lmHead_).to(at::kFloat) : matmulToFloat(dLogits, lmHead_);
    if (dHidden.is_cuda()) {
      dHidden.index_put_({hiddenRow}, dRows,
                         /*accumulate=*/true);  // sorted: index_add_ there would sum in any order
    } else {
      dHidden.index_add_(0, hiddenRow, dRows);
    }
  }
  at::Tensor zeroGradient() const { return at::zeros(hidden_.sizes(), hidden_.options().dtype(at::kFloat)); }

 private:
  const at::Tensor& hidden_;
  bool tiles_ = false;
  at::Tensor lmHead_;
  at::ScalarType compute_;
  double temperature_;
};

LogprobHeadOutput emptyOutput(int64_t rows, const at::Tensor& hidden) {
  const auto options = hidden.options().dtype(at::kFloat);
  return {at::empty({rows}, options), at::empty({rows}, options), at::empty({rows}, options)};
}

template <typename Visit>
void forEachChunk(int64_t rows, int64_t chunkRows, const Visit& visit) {
  for (int64_t begin = 0; begin < rows; begin += chunkRows) visit(begin, std::min(chunkRows, rows - begin));
}

}  // namespace

LogprobHeadOutput logprobHead(const at::Tensor& hidden, const at::Tensor& hiddenRow, const at::Tensor& target,
                              const at::Tensor& lmHead, double temperature, int64_t chunkRows) {
  check(hidden, hiddenRow, target, lmHead, temperature, chunkRows);
  const Head head(hidden, lmHead, temperature);
  LogprobHeadOutput out = emptyOutput(target.size(0), hidden);
  forEachChunk(target.size(0), chunkRows, [&](int64_t begin, int64_t count) {
    const at::Tensor logits = head.logits(head.gather(hiddenRow.narrow(0, begin, count)));
    at::Tensor logprobs = out.logprobs.narrow(0, begin, count), entropy = out.entropy.narrow(0, begin, count),
               lse = out.lse.narrow(0, begin, count);
    logitsToLogprob(logits, target.narrow(0, begin, count), logprobs, entropy, lse);
  });
  return out;
}

at::Tensor logprobHeadBackward(const at::Tensor& dLogprobs, const at::Tensor& hidden,
                               const at::Tensor& hiddenRow, const at::Tensor& target,
                               const at::Tensor& lmHead, double temperature, int64_t chunkRows,
                               at::Tensor& dLmHead, const at::Tensor& lse) {
  check(hidden, hiddenRow, target, lmHead, temperature, chunkRows);
  const Head head(hidden, lmHead, temperature);
  at::Tensor dHidden = head.zeroGradient();
  forEachChunk(target.size(0), chunkRows, [&](int64_t begin, int64_t count) {
    const at::Tensor index = hiddenRow.narrow(0, begin, count), wanted = target.narrow(0, begin, count);
    const at::Tensor rows = head.gather(index);
    at::Tensor logits = head.logits(rows);
    at::Tensor chunkLse;
    if (lse.defined()) {
      chunkLse = lse.narrow(0, begin, count);
    } else {
      LogprobHeadOutput scratch = emptyOutput(count, hidden);
      logitsToLogprob(logits, wanted, scratch.logprobs, scratch.entropy, scratch.lse);
      chunkLse = scratch.lse;
    }
    head.backward(logits, rows, index, wanted, chunkLse, dLogprobs.narrow(0, begin, count), dHidden, dLmHead);
  });
  return dHidden.to(hidden.scalar_type());
}

LogprobHeadOutput logprobHeadForwardBackward(const at::Tensor& dLogprobs, const at::Tensor& hidden,
                                             const at::Tensor& hiddenRow, const at::Tensor& target,
                                             const at::Tensor& lmHead, double temperature, int64_t chunkRows,
                                             at::Tensor& dHidden, at::Tensor& dLmHead) {
  check(hidden, hiddenRow, target, lmHead, temperature, chunkRows);
  const Head head(hidden, lmHead, temperature);
  LogprobHeadOutput out = emptyOutput(target.size(0), hidden);
  at::Tensor gradient = head.zeroGradient();
  forEachChunk(target.size(0), chunkRows, [&](int64_t begin, int64_t count) {
    const at::Tensor index = hiddenRow.narrow(0, begin, count), wanted = target.narrow(0, begin, count);
    const at::Tensor rows = head.gather(index);
    at::Tensor logits = head.logits(rows);
    at::Tensor logprobs = out.logprobs.narrow(0, begin, count), entropy = out.entropy.narrow(0, begin, count),
               lse = out.lse.narrow(0, begin, count);
    logitsToLogprob(logits, wanted, logprobs, entropy, lse);
    head.backward(logits, rows, index, wanted, lse, dLogprobs.narrow(0, begin, count), gradient, dLmHead);
  });
  dHidden = gradient.to(hidden.scalar_type());
  return out;
}

}  // namespace toolr0
