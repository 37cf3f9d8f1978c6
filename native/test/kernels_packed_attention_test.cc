// Packed attention: the CPU path against the reference, the reference against plain attention with autograd,
// and shared prefixes against the same sequences stored whole.
#include <ATen/Parallel.h>

#include <limits>

#include "check.h"
#include "kernels/packed_attention.h"

using namespace toolr0;

namespace {

double largest(const at::Tensor& got, const at::Tensor& expected) {
  return (got.to(at::kFloat) - expected.to(at::kFloat)).abs().max().item<double>();
}

struct Shape {
  int64_t heads, keyHeads, headDim;
};

struct Gradients {
  at::Tensor query, key, value;
};

// Segments: some lone, some prompts with completions, lengths around the tile sizes.
std::vector<Segment> mixedSegments() {
  std::vector<Segment> segments;
  int64_t next = 0;
  const auto add = [&](int64_t length, int32_t prefix) {
    segments.push_back({next, length, prefix});
    next += length;
  };
  for (const int64_t length : {17, 1, 70}) add(length, -1);
  for (const int64_t length : {23, 1, 16, 40}) add(length, 0);
  for (const int64_t length : {5, 33}) add(length, 1);
  for (const int64_t length : {24, 25, 1}) add(length, 2);
  add(51, -1);
  add(1, -1);
  return segments;
}

int64_t tokensOf(const std::vector<Segment>& segments) {
  return segments.back().begin + segments.back().length;
}

// Attention of one segment written the plain way, on [tokens, heads, D] leaves.
at::Tensor plainAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const std::vector<Segment>& segments, double scale) {
  const int64_t group = q.size(1) / k.size(1);
  std::vector<at::Tensor> outs;
  for (const Segment& segment : segments) {
    at::Tensor keys = k.narrow(0, segment.begin, segment.length),
               values = v.narrow(0, segment.begin, segment.length);
    int64_t prefixLength = 0;
    if (segment.prefix >= 0) {
      const Segment& prefix = segments[static_cast<size_t>(segment.prefix)];
      prefixLength = prefix.length;
      keys = at::cat({k.narrow(0, prefix.begin, prefix.length), keys}, 0);
      values = at::cat({v.narrow(0, prefix.begin, prefix.length), values}, 0);
    }
    const at::Tensor query = q.narrow(0, segment.begin, segment.length).transpose(0, 1);
    const at::Tensor scores = at::bmm(query, keys.repeat_interleave(group, 1).permute({1, 2, 0})) * scale;
    const at::Tensor allowed = at::ones({segment.length, keys.size(0)}, at::kBool).tril(prefixLength);
    const at::Tensor weights =
        scores.masked_fill(allowed.logical_not(), -std::numeric_limits<float>::infinity()).softmax(-1);
    outs.push_back(at::bmm(weights, values.repeat_interleave(group, 1).transpose(0, 1)).transpose(0, 1));
  }
  return at::cat(outs, 0);
}

void checkAgainstAutograd(const Shape& shape) {
  const std::vector<Segment> segments = mixedSegments();
  const int64_t tokens = tokensOf(segments);
  const double scale = 1.0 / std::sqrt(static_cast<double>(shape.headDim));
  at::Tensor q = at::randn({tokens, shape.heads, shape.headDim}).set_requires_grad(true);
  at::Tensor k = at::randn({tokens, shape.keyHeads, shape.headDim}).set_requires_grad(true);
  at::Tensor v = at::randn({tokens, shape.keyHeads, shape.headDim}).set_requires_grad(true);
  const at::Tensor dOut = at::randn({tokens, shape.heads, shape.headDim});
  const at::Tensor expected = plainAttention(q, k, v, segments, scale);
  (expected * dOut).sum().backward();

  at::Tensor lse, referenceLse;
  const at::Tensor out = packedAttention(q.detach(), k.detach(), v.detach(), segments, scale, lse);
  const at::Tensor referenceOut =
      reference::packedAttention(q.detach(), k.detach(), v.detach(), segments, scale, referenceLse);
  CHECK(largest(out, expected.detach()) < 1e-5);
  CHECK(largest(referenceOut, expected.detach()) < 1e-5);
  CHECK(largest(lse, referenceLse) < 1e-5);

  Gradients got, reference;
  packedAttentionBackward(dOut, q.detach(), k.detach(), v.detach(), out, lse, segments, scale, got.query,
                          got.key, got.value);
  reference::packedAttentionBackward(dOut, q.detach(), k.detach(), v.detach(), out, lse, segments, scale,
                                     reference.query, reference.key, reference.value);
  for (const Gradients& gradients : {got, reference}) {
    CHECK(largest(gradients.query, q.grad()) < 2e-5);
    CHECK(largest(gradients.key, k.grad()) < 2e-5);
    CHECK(largest(gradients.value, v.grad()) < 2e-5);
  }
}

// Views into one fused buffer in and out, and bf16: against the reference on the same numbers.
void checkStridedAndNarrow(const Shape& shape) {
  const std::vector<Segment> segments = mixedSegments();
  const int64_t tokens = tokensOf(segments), all = shape.heads + 2 * shape.keyHeads;
  const double scale = 0.3;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const double tolerance = type == at::kFloat ? 2e-5 : 0.06;
    const at::Tensor fused = at::randn({tokens, all, shape.headDim}).to(type);
    const at::Tensor dOut = at::randn({tokens, shape.heads, shape.headDim}).to(type);
    const auto split = [&](const at::Tensor& x) {
      return Gradients{x.narrow(1, 0, shape.heads), x.narrow(1, shape.heads, shape.keyHeads),
                       x.narrow(1, shape.heads + shape.keyHeads, shape.keyHeads)};
    };
    const Gradients in = split(fused);
    at::Tensor lse, referenceLse;
    const at::Tensor out = packedAttention(in.query, in.key, in.value, segments, scale, lse);
    const at::Tensor expected =
        reference::packedAttention(in.query, in.key, in.value, segments, scale, referenceLse);
    CHECK(out.scalar_type() == type && lse.scalar_type() == at::kFloat);
    CHECK(largest(out, expected) < tolerance);
    const at::Tensor dFused = at::full({tokens, all, shape.headDim}, 9.0, type);
    Gradients got = split(dFused), wanted;
    packedAttentionBackward(dOut, in.query, in.key, in.value, out, lse, segments, scale, got.query, got.key,
                            got.value);
    reference::packedAttentionBackward(dOut, in.query, in.key, in.value, expected, referenceLse, segments,
                                       scale, wanted.query, wanted.key, wanted.value);
    CHECK(largest(dFused, at::cat({wanted.query, wanted.key, wanted.value}, 1)) < tolerance);
  }
}

// A segment longer than one row block of the reference, and one thread against two: bit-equal.
void checkLongAndRepeatable() {
  const std::vector<Segment> segments = {{0, 700, -1}, {700, 90, 0}};
  const at::Tensor q = at::randn({790, 2, 16}), k = at::randn({790, 1, 16}), v = at::randn({790, 1, 16});
  const at::Tensor dOut = at::randn({790, 2, 16});
  at::set_num_threads(2);
  at::Tensor lse, otherLse;
  const at::Tensor out = packedAttention(q, k, v, segments, 0.25, lse);
  CHECK(largest(out, reference::packedAttention(q, k, v, segments, 0.25, otherLse)) < 1e-5);
  Gradients two, one, wanted;
  packedAttentionBackward(dOut, q, k, v, out, lse, segments, 0.25, two.query, two.key, two.value);
  reference::packedAttentionBackward(dOut, q, k, v, out, lse, segments, 0.25, wanted.query, wanted.key,
                                     wanted.value);
  CHECK(largest(two.key, wanted.key) < 1e-4 && largest(two.value, wanted.value) < 1e-4);
  at::set_num_threads(1);
  const at::Tensor alone = packedAttention(q, k, v, segments, 0.25, otherLse);
  packedAttentionBackward(dOut, q, k, v, alone, otherLse, segments, 0.25, one.query, one.key, one.value);
  CHECK(at::equal(alone, out) && at::equal(one.query, two.query) && at::equal(one.key, two.key) &&
        at::equal(one.value, two.value));
}

// A NaN or infinite score must come out as NaN, not as a plausible number.
void checkNonFinite() {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    at::Tensor q = at::ones({20, 1, 16}), k = at::ones({20, 1, 16});
    k[3][0][5] = bad;
    at::Tensor lse;
    const at::Tensor out = packedAttention(q, k, at::ones({20, 1, 16}), {{0, 20, -1}}, 1.0, lse);
    CHECK(out.narrow(0, 0, 3).isfinite().all().item<bool>());
    CHECK(out.narrow(0, 3, 17).isnan().all().item<bool>());
  }
}

void checkBadSegments() {
  const at::Tensor x = at::zeros({10, 1, 16});
  at::Tensor lse;
  const std::vector<std::vector<Segment>> bad = {{{0, 9, -1}},
                                                 {{0, 11, -1}},
                                                 {{-1, 11, -1}},
                                                 {{0, 5, 1}, {5, 5, -1}},
                                                 {{0, 3, -1}, {3, 3, 0}, {6, 4, 1}}};
  for (const auto& segments : bad) {
    bool refused = false;
    try {
      packedAttention(x, x, x, segments, 1.0, lse);
    } catch (const c10::Error&) {
      refused = true;
    }
    CHECK(refused);
  }
}

}  // namespace

int main() {
  at::manual_seed(11);
  at::set_num_threads(1);
  for (const Shape& shape : {Shape{4, 2, 32}, Shape{4, 4, 12}, Shape{6, 1, 64}, Shape{2, 1, 128}}) {
    checkAgainstAutograd(shape);
    checkStridedAndNarrow(shape);
  }
  checkLongAndRepeatable();
  checkNonFinite();
  checkBadSegments();
  return check::report();
}
