#include "kernels/sampler.h"

#include <cmath>
#include <limits>
#include <string>

#include "kernels/philox.h"
#include "runtime/error.h"

namespace toolr0 {
#if TR0_WITH_CUDA
namespace cuda {
void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs);
}
#endif
namespace cpu {
void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs);
}

void checkSamplerOptions(const SamplerOptions& options) {
  const auto refuse = [](const char* name, const std::string& value, const char* rule) {
    throw Error(kConfigError, std::string(name) + " is " + value + "; it must be " + rule);
  };
  const auto text = [](double value) { return std::to_string(value); };
  // Negated comparisons: a NaN fails them.
  if (!(options.temperature >= 0) || std::isinf(options.temperature))
    refuse("temperature", text(options.temperature), "a finite number, 0 (greedy) or above");
  if (options.topK < 0) refuse("topK", std::to_string(options.topK), "0 (off) or a positive integer");
  if (!(options.topP > 0 && options.topP <= 1))
    refuse("topP", text(options.topP), "above 0 and at most 1 (1 = off)");
  if (!(options.minP >= 0 && options.minP <= 1)) refuse("minP", text(options.minP), "between 0 (off) and 1");
}

void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs) {
  checkSamplerOptions(options);
  TORCH_CHECK(logits.dim() == 2 && logits.scalar_type() == at::kFloat, "logits must be [B, vocab] fp32");
  TORCH_CHECK(stream.scalar_type() == at::kLong && step.scalar_type() == at::kLong &&
                  stream.numel() == logits.size(0) && step.numel() == logits.size(0),
              "stream and step must be [B] int64");
#if TR0_WITH_CUDA
  if (logits.is_cuda()) return cuda::sample(logits, options, seed, stream, step, tokens, logprobs);
#endif
  if (logits.is_cpu()) return cpu::sample(logits, options, seed, stream, step, tokens, logprobs);
  reference::sample(logits, options, seed, stream, step, tokens, logprobs);
}

namespace reference {
// The definition, row-wise over sorted double probabilities.
void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs) {
  const at::Tensor valid = logits.isfinite().any(1).logical_and(
      logits.isnan().logical_or(logits.eq(std::numeric_limits<float>::infinity())).any(1).logical_not());
  if (!valid.all().item<bool>()) {
    const int64_t row = valid.logical_not().nonzero()[0][0].item<int64_t>();
    throw Error(kNumericError,
                "the logits of row " + std::to_string(row) + " hold a NaN, an infinity or nothing finite");
  }
  at::Tensor scores = logits.to(at::kDouble);
  if (options.temperature == 0) {
    tokens = scores.eq(scores.amax(1, true)).to(at::kInt).argmax(1);  // argmax of 0/1: the first maximum
    logprobs = at::log_softmax(scores, 1).gather(1, tokens.unsqueeze(1)).squeeze(1).to(at::kFloat);
    return;
  }
  const double lowest = -std::numeric_limits<double>::infinity();
  const int64_t vocab = logits.size(1);
  scores = scores.div(options.temperature);
  if (options.topK > 0 && options.topK < vocab) {
    const at::Tensor kth = std::get<0>(scores.topk(options.topK, 1)).narrow(1, options.topK - 1, 1);
    scores = scores.masked_fill(scores.lt(kth), lowest);
  }
  if (options.topP < 1) {
    const auto [sorted, order] = scores.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true);
    const at::Tensor p = at::softmax(sorted, 1);
    const at::Tensor before = p.cumsum(1).sub(p);  // mass of the more probable tokens
    const at::Tensor drop =
        before.ge(options.topP).scatter(1, at::zeros({logits.size(0), 1}, order.options()), false);
    scores = scores.masked_fill(drop.new_empty(drop.sizes()).scatter(1, order, drop), lowest);
  }
  at::Tensor p = at::softmax(scores, 1);
  if (options.minP > 0) {
    scores = scores.masked_fill(p.lt(p.amax(1, true).mul(options.minP)), lowest);
    p = at::softmax(scores, 1);
  }
  const at::Tensor streams = stream.to(at::kCPU).contiguous(), steps = step.to(at::kCPU).contiguous();
  at::Tensor uniform = at::empty({logits.size(0), 1}, at::kDouble);
  for (int64_t b = 0; b < logits.size(0); ++b)
    uniform.mutable_data_ptr<double>()[b] =
        philoxUniform(seed, static_cast<uint64_t>(streams.const_data_ptr<int64_t>()[b]),
                      static_cast<uint64_t>(steps.const_data_ptr<int64_t>()[b]));
  // The first token whose cumulative mass exceeds u has p > 0; rounding may leave the total a little below u:
  // then the last token with p > 0.
  const at::Tensor reached = p.cumsum(1).gt(uniform.to(p.device()));
  const at::Tensor last = p.gt(0).to(at::kInt).flip(1).argmax(1).neg().add(vocab - 1);
  tokens = at::where(reached.any(1), reached.to(at::kInt).argmax(1), last);
  logprobs = at::log_softmax(scores, 1).gather(1, tokens.unsqueeze(1)).squeeze(1).to(at::kFloat);
}
}  // namespace reference
}  // namespace toolr0
