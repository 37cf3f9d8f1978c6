#pragma once
// fp32 matrix products for decoding: few rows against weights that stay in the caches. The weights are
// repacked once into panels that the inner loop reads in order; what follows a product in a decoder layer
// (bias, residual, SwiGLU) is applied to the sums while they are in registers. Single-threaded: the caller
// divides the rows. Every sum runs over the inputs in order, so a row's result depends neither on the other
// rows nor (where the CPU has fused multiply-add) on the instruction set.
#include <cstdint>

namespace toolr0::cpu {

// Outputs of a panel: two vectors of this machine. Buffers of results are padded to a multiple of it.
int64_t panelWidth();

// panels [count, inputs, panelWidth()]; bias [count, panelWidth()] or null. Outputs beyond the matrix's are
// zeros.
struct PanelMatrix {
  int64_t inputs = 0, count = 0;
  const float* panels = nullptr;
  const float* bias = nullptr;
};

// Panels of `outputs` rows.
int64_t panelCount(int64_t outputs);
// weight [outputs, inputs] → panels [panelCount(outputs), inputs, panelWidth()].
void packPanels(const float* weight, int64_t outputs, int64_t inputs, float* panels);
// weight [2 * outputs, inputs] (gate, then up) → panels whose first half is gate and second half is up:
// [panelCount(2 * roundedOutputs), …] with outputs rounded up to panelWidth() / 2. A bias is packed as a
// matrix of one input.
void packGatedPanels(const float* weight, int64_t outputs, int64_t inputs, float* panels);
int64_t gatedPanelCount(int64_t outputs);

// What becomes of the sums x · weightᵀ + bias.
enum class PanelOutput {
  kStore,   // y = sum, [rows, count * panelWidth()]
  kAdd,     // y += sum
  kSwiglu,  // y = silu(gate sum) * up sum, [rows, count * panelWidth() / 2]; panels of packGatedPanels
};

// Memory that will be needed after a product, fetched into the second-level cache while it runs: blocks of
// kAheadBytes at the same offsets from two bases. `next` is the first that is still to be fetched.
struct PanelAhead {
  const void *first = nullptr, *second = nullptr;
  const int64_t* offsets = nullptr;  // [count] bytes
  int64_t count = 0, next = 0;
};
inline constexpr int64_t kAheadBytes = 4096;

// x [rows, inputs], rows `xStride` floats apart; y rows `yStride` apart and as wide as the panels.
void panelLinear(PanelOutput output, const PanelMatrix& matrix, const float* x, int64_t xStride, int64_t rows,
                 float* y, int64_t yStride, PanelAhead* ahead = nullptr);

}  // namespace toolr0::cpu
