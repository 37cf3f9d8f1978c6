// The kernels of a CPU decode step against ATen on random input: panel products, bf16 products with and
// without AMX, and attention over head-major pages.
#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "check.h"  // last: it replaces c10's CHECK
#include "kernels/decode_attention.h"
#include "kernels/linear_bf16.h"
#include "kernels/page_attention.h"
#include "kernels/panel_linear.h"

namespace {
using namespace toolr0;

// Largest difference relative to the largest value.
double relativeError(const at::Tensor& got, const at::Tensor& expected) {
  const at::Tensor wanted = expected.to(at::kDouble);
  return ((got.to(at::kDouble) - wanted).abs().max() / wanted.abs().max()).item<double>();
}

at::Tensor gateOf(const at::Tensor& x) {
  return x * at::sigmoid(x);
}

void checkPanels(int64_t rows, int64_t inputs, int64_t outputs, bool biased) {
  const at::Tensor x = at::randn({rows, inputs}), weight = at::randn({2 * outputs, inputs}),
                   bias = at::randn({2 * outputs});
  const auto product = [&](cpu::PanelOutput output, const at::Tensor& used, const at::Tensor& usedBias,
                           int64_t width, const at::Tensor& start) {
    const bool gated = output == cpu::PanelOutput::kSwiglu;
    const int64_t count = gated ? cpu::gatedPanelCount(outputs) : cpu::panelCount(outputs);
    at::Tensor panels = at::empty({count * cpu::panelWidth() * inputs}),
               packedBias = at::empty({count * cpu::panelWidth()});
    const auto pack = [&](const at::Tensor& from, int64_t columns, at::Tensor& to) {
      (gated ? cpu::packGatedPanels : cpu::packPanels)(from.const_data_ptr<float>(), outputs, columns,
                                                       to.mutable_data_ptr<float>());
    };
    pack(used, inputs, panels);
    pack(usedBias, 1, packedBias);
    const cpu::PanelMatrix matrix{inputs, count, panels.const_data_ptr<float>(),
                                  biased ? packedBias.const_data_ptr<float>() : nullptr};
    const int64_t stride = count * cpu::panelWidth();
    at::Tensor y = at::zeros({rows, stride});
    if (start.defined()) y.narrow(1, 0, width).copy_(start);
    cpu::panelLinear(output, matrix, x.const_data_ptr<float>(), inputs, rows, y.mutable_data_ptr<float>(),
                     stride);
    // A row alone gives the same bits.
    at::Tensor alone = at::zeros({1, stride});
    if (start.defined()) alone.narrow(1, 0, width).copy_(start.narrow(0, rows - 1, 1));
    cpu::panelLinear(output, matrix, x.const_data_ptr<float>() + (rows - 1) * inputs, inputs, 1,
                     alone.mutable_data_ptr<float>(), stride);
    CHECK(alone.narrow(1, 0, width).equal(y.narrow(0, rows - 1, 1).narrow(1, 0, width)));
    return y.narrow(1, 0, width);
  };
  const at::Tensor half = weight.narrow(0, 0, outputs).contiguous(),
                   halfBias = bias.narrow(0, 0, outputs).contiguous(), start = at::randn({rows, outputs});
  const at::Tensor both =
      at::linear(x.to(at::kDouble), weight.to(at::kDouble), biased ? bias.to(at::kDouble) : at::Tensor());
  const at::Tensor first = both.narrow(1, 0, outputs);
  CHECK(relativeError(product(cpu::PanelOutput::kStore, half, halfBias, outputs, {}), first) < 2e-6);
  CHECK(relativeError(product(cpu::PanelOutput::kAdd, half, halfBias, outputs, start), first + start) < 2e-6);
  CHECK(relativeError(product(cpu::PanelOutput::kSwiglu, weight, bias, outputs, {}),
                      gateOf(first) * both.narrow(1, outputs, outputs)) < 4e-6);
}

at::Tensor packRows(const at::Tensor& x) {
  const int64_t rows = x.size(0), inputs = x.size(1);
  at::Tensor packed = at::full({cpu::packedElements(rows, inputs)}, -1, at::kInt);
  for (int64_t first = 0; first < rows; first += cpu::kRowBlock)
    cpu::packRowBlock(
        x.const_data_ptr<at::BFloat16>() + first * inputs, inputs, std::min(cpu::kRowBlock, rows - first),
        inputs,
        reinterpret_cast<uint32_t*>(packed.mutable_data_ptr<int32_t>()) + cpu::packedElements(first, inputs));
  return packed;
}

using MultiplyBf16 = void (*)(const cpu::Bf16Product&, int64_t, int64_t);

void checkBf16(MultiplyBf16 multiply, int64_t rows, int64_t inputs, int64_t outputs, bool biased) {
  const at::Tensor x = at::randn({rows, inputs}).to(at::kBFloat16),
                   weight = at::randn({2 * outputs, inputs}).to(at::kBFloat16),
                   bias = at::randn({2 * outputs}).to(at::kBFloat16), packed = packRows(x);
  const at::Tensor exact = at::mm(x.to(at::kDouble), weight.to(at::kDouble).t());
  const at::Tensor both = biased ? exact + bias.to(at::kDouble) : exact;
  const auto run = [&](cpu::Bf16Output output, at::Tensor& y) {
    cpu::Bf16Product product;
    product.output = output;
    product.weight = weight.const_data_ptr<at::BFloat16>();
    if (biased) product.bias = bias.const_data_ptr<at::BFloat16>();
    product.outputs = outputs;
    product.inputs = inputs;
    product.rows = rows;
    product.x = reinterpret_cast<const uint32_t*>(packed.const_data_ptr<int32_t>());
    product.y = y.mutable_data_ptr();
    product.yStride = outputs;
    const int64_t units = cpu::bf16Units(product);
    multiply(product, 0, units / 2);
    multiply(product, units / 2, units);
  };
  constexpr double kRounding = 1.0 / 256;  // bf16
  at::Tensor floats = at::empty({rows, outputs}), stored = at::empty({rows, outputs}, at::kBFloat16);
  run(cpu::Bf16Output::kFloat, floats);
  CHECK(relativeError(floats, both.narrow(1, 0, outputs)) < 2e-6);
  run(cpu::Bf16Output::kStore, stored);
  CHECK(relativeError(stored, both.narrow(1, 0, outputs)) < kRounding);
  CHECK(stored.equal(floats.to(at::kBFloat16)));
  const at::Tensor start = at::randn({rows, outputs}).to(at::kBFloat16);
  at::Tensor added = start.clone();
  run(cpu::Bf16Output::kAdd, added);
  CHECK(relativeError(added, both.narrow(1, 0, outputs) + start.to(at::kDouble)) < 2 * kRounding);
  if (outputs % 32 != 0) return;
  at::Tensor activated = at::full({cpu::packedElements(rows, outputs)}, -1, at::kInt);
  run(cpu::Bf16Output::kSwiglu, activated);
  const at::Tensor rounded = both.to(at::kBFloat16).to(at::kDouble);
  const at::Tensor wanted = packRows(
      (gateOf(rounded.narrow(1, 0, outputs)) * rounded.narrow(1, outputs, outputs)).to(at::kBFloat16));
  // [blocks, inputs / 32, 16 pairs, 16 rows, 2]; the rows beyond the last hold gateOf(bias) * bias, read by
  // none.
  const auto used = [&](const at::Tensor& t) {
    return t.view(at::kBFloat16)
        .view({-1, outputs / 32, 16, 16, 2})
        .permute({0, 3, 1, 2, 4})
        .reshape({-1, outputs})
        .narrow(0, 0, rows);
  };
  CHECK(relativeError(used(activated), used(wanted)) < 2 * kRounding);
}

template <typename T>
void checkPages(int64_t kvHeads, int64_t perKv, int64_t headDim, at::ScalarType dtype, double tolerance) {
  const std::vector<int32_t> promptOf = {0, 0, 0, 0, 0, 2, 2, 1, 0}, promptLengths = {70, 1, 32},
                             ownLengths = {1, 2, 15, 16, 17, 100, 33, 1, 64};
  const auto rows = static_cast<int64_t>(promptOf.size());
  const auto ints = [](const std::vector<int32_t>& v) {
    return at::tensor(at::ArrayRef<int32_t>(v), at::kInt);
  };
  const at::Tensor order = at::randperm(200, at::kInt);
  DecodeAttentionInput input;
  input.query = (at::randn({rows, kvHeads * perKv, headDim}) * 2).to(dtype);
  input.keyPages = at::randn({200, 16, kvHeads, headDim}).to(dtype);
  input.valuePages = at::randn({200, 16, kvHeads, headDim}).to(dtype);
  input.prefixIndex = ints(promptOf);
  input.prefixTable = order.narrow(0, 0, 24).view({3, 8}).contiguous();
  input.prefixLength = ints(promptLengths);
  input.suffixTable = order.narrow(0, 24, rows * 8).view({rows, 8}).contiguous();
  input.suffixLength = ints(ownLengths);
  input.scale = 1.0 / std::sqrt(static_cast<double>(headDim));
  const at::Tensor keys = input.keyPages.permute({0, 2, 3, 1}).contiguous(),
                   values = input.valuePages.permute({0, 2, 1, 3}).contiguous();
  at::Tensor out = at::empty_like(input.query);
  cpu::PageAttention<T> p;
  p.keys = keys.const_data_ptr<T>();
  p.values = values.const_data_ptr<T>();
  p.kvHeads = kvHeads;
  p.perKv = perKv;
  p.headDim = headDim;
  p.query = input.query.const_data_ptr<T>();
  p.queryStride = p.outStride = input.query.stride(0);
  p.out = out.mutable_data_ptr<T>();
  p.scale = static_cast<float>(input.scale);
  p.prefixIndex = input.prefixIndex.const_data_ptr<int32_t>();
  p.prefixTable = input.prefixTable.const_data_ptr<int32_t>();
  p.prefixLength = input.prefixLength.const_data_ptr<int32_t>();
  p.suffixTable = input.suffixTable.const_data_ptr<int32_t>();
  p.suffixLength = input.suffixLength.const_data_ptr<int32_t>();
  p.prefixColumns = p.suffixColumns = 8;
  cpu::PageAttentionScratch scratch;
  for (int64_t row = 0; row < rows; row = cpu::endOfRun(p, row, rows))
    for (int64_t head = 0; head < kvHeads; ++head)
      cpu::attendPages(p, row, cpu::endOfRun(p, row, rows), head, scratch);
  CHECK(relativeError(out, reference::decodeAttention(input)) < tolerance);
  at::Tensor together = out.clone();
  for (int64_t row = 0; row < rows; ++row)  // alone: the same bits
    for (int64_t head = 0; head < kvHeads; ++head) cpu::attendPages(p, row, row + 1, head, scratch);
  CHECK(together.equal(out));
}

}  // namespace

int main() {
  at::manual_seed(3);
  for (const int64_t rows : {1, 7, 8, 17, 64})
    for (const bool biased : {false, true}) {
      checkPanels(rows, 128, 256, biased);
      checkPanels(rows, 37, 51, biased);
      for (const MultiplyBf16 multiply : {&cpu::multiplyBf16, &cpu::reference::multiplyBf16}) {
        checkBf16(multiply, rows, 64, 96, biased);
        checkBf16(multiply, rows, 896, 64, biased);
        checkBf16(multiply, rows, 32, 205, biased);
      }
    }
  checkBf16(&cpu::multiplyBf16, 150, 96, 64, true);
  for (const int64_t perKv : {1, 2, 3, 4, 7, 8})
    for (const int64_t headDim : {16, 32, 48, 64, 128}) {
      checkPages<float>(2, perKv, headDim, at::kFloat, 2e-6);
      checkPages<at::BFloat16>(2, perKv, headDim, at::kBFloat16, 1e-2);
    }
  std::printf("AMX: %s\n", cpu::hasAmx() ? "yes" : "no");
  return check::report();
}
