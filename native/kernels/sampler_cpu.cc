// The sampler for the CPU: one row at a time, rows in parallel. Without filters a row costs two passes
// (maximum; exponentials and their sums) and one search; nothing is sorted. The filters work on the
// unnormalised weights e^((x − max)/T).
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cpu_simd.h"
#include "kernels/philox.h"
#include "kernels/sampler_row.h"
#include "runtime/error.h"

namespace toolr0::cpu {
namespace {

using simd::laneCount;
using simd::loadAs;
constexpr int64_t kChunk = 256;  // tokens whose weights are summed together; the search first finds the chunk

struct RowMaximum {
  float value = 0;
  bool valid = false;  // no NaN, no +inf, something finite
};
using Candidate = SamplerCandidate;
using Scratch = SamplerScratch;

template <typename V>
TR0_INLINE void maximumBody(const float* x, int64_t n, RowMaximum& out) {
  const float lowest = -std::numeric_limits<float>::infinity();
  constexpr int64_t kLanes = laneCount<V>();
  V top = simd::splat<V>(lowest);
  typename simd::LanesOf<V>::Int isNan{};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const V v = loadAs<V>(x + i);
    isNan |= v != v;
    top = simd::maximum(v, top);
  }
  float maximum = simd::maxLanes(top);
  bool nan = false;
  for (int lane = 0; lane < kLanes; ++lane) nan |= isNan[lane] != 0;
  for (; i < n; ++i) {
    nan |= x[i] != x[i];
    maximum = std::max(maximum, x[i]);
  }
  out = {maximum, !nan && std::isfinite(maximum)};
}

// weights = e^((x − maximum) · inverseTemperature). The tail of the row goes through a padded copy: the same
// arithmetic.
template <typename V>
TR0_INLINE void weightsBody(const float* x, int64_t n, float maximum, float inverseTemperature,
                            float* weights) {
  constexpr int64_t kLanes = laneCount<V>();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    simd::store(weights + i, simd::expNonPositive((loadAs<V>(x + i) - maximum) * inverseTemperature));
  if (i == n) return;
  float tail[kLanes];
  std::fill(tail, tail + kLanes, maximum);
  std::copy(x + i, x + n, tail);
  simd::store(tail, simd::expNonPositive((loadAs<V>(tail) - maximum) * inverseTemperature));
  std::copy(tail, tail + (n - i), weights + i);
}

template <typename V>
TR0_INLINE void chunkSumsBody(const float* weights, int64_t n, double* sums) {
  constexpr int64_t kLanes = laneCount<V>();
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t end = std::min(n, begin + kChunk);
    V sum{};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) sum += loadAs<V>(weights + i);
    double total = simd::sumLanes(sum);
    for (; i < end; ++i) total += weights[i];
    sums[begin / kChunk] = total;
  }
}

TR0_CPU_DISPATCH_LANES(rowMaximum, maximumBody, (const float* x, int64_t n, RowMaximum& out), (x, n, out))
TR0_CPU_DISPATCH_LANES(rowWeights, weightsBody,
                       (const float* x, int64_t n, float maximum, float inverseTemperature, float* weights),
                       (x, n, maximum, inverseTemperature, weights))
TR0_CPU_DISPATCH_LANES(rowChunkSums, chunkSumsBody, (const float* weights, int64_t n, double* sums),
                       (weights, n, sums))

// Sums the weights by chunk and in all.
double totalWeight(Scratch& scratch, int64_t n) {
  scratch.chunkSums.resize((n + kChunk - 1) / kChunk);
  rowChunkSums(scratch.weights.data(), n, scratch.chunkSums.data());
  double total = 0;
  for (double sum : scratch.chunkSums) total += sum;
  return total;
}

void keepTopK(const float* x, int64_t n, int64_t k, Scratch& scratch) {
  if (k >= n) return;
  scratch.order.assign(x, x + n);
  std::nth_element(scratch.order.begin(), scratch.order.begin() + (k - 1), scratch.order.end(),
                   std::greater<float>());
  const float threshold = scratch.order[k - 1];
  for (int64_t i = 0; i < n; ++i)
    if (x[i] < threshold) scratch.weights[i] = 0;
}

// Keeps the most probable tokens until their mass reaches topP. Tokens lighter than (1 − topP) · total / n
// weigh less than 1 − topP all together, so they are never kept and never enter the heap; of the heap only
// the kept tokens are popped.
void keepTopP(double topP, double total, int64_t n, Scratch& scratch) {
  std::vector<float>& weights = scratch.weights;
  std::vector<Candidate>& heap = scratch.heap;
  const auto negligible = static_cast<float>((1 - topP) * 0.999 * total / static_cast<double>(n));
  heap.clear();
  for (int64_t i = 0; i < n; ++i) {
    if (weights[i] > negligible) heap.push_back({weights[i], static_cast<int32_t>(i)});
    weights[i] = 0;
  }
  const auto lighter = [](const Candidate& a, const Candidate& b) {
    return a.weight < b.weight || (a.weight == b.weight && a.token > b.token);
  };
  std::make_heap(heap.begin(), heap.end(), lighter);
  const double wanted = topP * total;
  double mass = 0;
  for (auto end = heap.end(); end != heap.begin() && (mass < wanted || end == heap.end()); --end) {
    std::pop_heap(heap.begin(), end, lighter);
    const Candidate& best = *(end - 1);
    weights[best.token] = best.weight;
    mass += best.weight;
  }
}

// The heaviest token has weight 1.
void keepMinP(double minP, int64_t n, std::vector<float>& weights) {
  for (int64_t i = 0; i < n; ++i)
    if (weights[i] < minP) weights[i] = 0;
}

// The first token, in id order, at which the running sum exceeds `target` < total.
int64_t search(const Scratch& scratch, int64_t n, double target) {
  // The chunk sums are added in totalWeight's order, so the total is reached and the loop ends at a chunk
  // with weight.
  size_t chunk = 0;
  double before = 0;
  while (before + scratch.chunkSums[chunk] <= target) before += scratch.chunkSums[chunk++];
  const int64_t begin = static_cast<int64_t>(chunk) * kChunk, end = std::min(n, begin + kChunk);
  int64_t found = begin;
  for (int64_t i = begin; i < end && before <= target; ++i) {
    if (scratch.weights[i] <= 0) continue;
    found = i;
    before += scratch.weights[i];
  }
  return found;  // rounding inside the chunk may leave `before` just below the target: then its last token
                 // with weight
}

}  // namespace

bool sampleRow(const float* x, int64_t n, const SamplerOptions& options, double uniform, Scratch& scratch,
               int64_t& token, float& logprob) {
  RowMaximum top;
  rowMaximum(x, n, top);
  if (!top.valid) return false;
  const float maximum = top.value;
  scratch.weights.resize(n);
  const bool greedy = options.temperature == 0;
  // Bounded, because for a temperature near 0 (max − max) · inf would be a NaN.
  const double inverse =
      greedy ? 1.0 : std::min(1.0 / options.temperature, double(std::numeric_limits<float>::max()));
  rowWeights(x, n, maximum, static_cast<float>(inverse), scratch.weights.data());
  if (greedy) {
    token = std::find(x, x + n, maximum) - x;
    logprob = static_cast<float>(-std::log(totalWeight(scratch, n)));
    return true;
  }
  if (options.topK > 0) keepTopK(x, n, options.topK, scratch);
  double total = totalWeight(scratch, n);
  if (options.topP < 1) keepTopP(options.topP, total, n, scratch);
  if (options.minP > 0) keepMinP(options.minP, n, scratch.weights);
  if (options.topP < 1 || options.minP > 0) total = totalWeight(scratch, n);
  token = search(scratch, n, uniform * total);
  logprob = static_cast<float>((static_cast<double>(x[token]) - maximum) * inverse - std::log(total));
  return true;
}

void throwInvalidLogits(int64_t row) {
  throw Error(kNumericError,
              "the logits of row " + std::to_string(row) +
                  " hold a NaN, an infinity or nothing finite: the weights are damaged or diverged");
}

void sample(const at::Tensor& logits, const SamplerOptions& options, uint64_t seed, const at::Tensor& stream,
            const at::Tensor& step, at::Tensor& tokens, at::Tensor& logprobs) {
  const at::Tensor dense = logits.contiguous(), streams = stream.contiguous(), steps = step.contiguous();
  const int64_t rows = dense.size(0), vocab = dense.size(1);
  tokens = at::empty({rows}, streams.options());
  logprobs = at::empty({rows}, dense.options());
  const float* x = dense.const_data_ptr<float>();
  const int64_t *streamOf = streams.const_data_ptr<int64_t>(), *stepOf = steps.const_data_ptr<int64_t>();
  int64_t* token = tokens.mutable_data_ptr<int64_t>();
  float* logprob = logprobs.mutable_data_ptr<float>();
  std::atomic<int64_t> invalid{-1};
  at::parallel_for(
      0, rows, std::max<int64_t>(1, 4096 / std::max<int64_t>(1, vocab)), [&](int64_t begin, int64_t end) {
        thread_local Scratch scratch;
        for (int64_t b = begin; b < end; ++b) {
          const double uniform =
              philoxUniform(seed, static_cast<uint64_t>(streamOf[b]), static_cast<uint64_t>(stepOf[b]));
          if (!sampleRow(x + b * vocab, vocab, options, uniform, scratch, token[b], logprob[b])) invalid = b;
        }
      });
  if (invalid >= 0) throwInvalidLogits(invalid);
}

}  // namespace toolr0::cpu
