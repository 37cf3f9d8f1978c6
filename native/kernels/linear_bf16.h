#pragma once
// bf16 matrix products for decoding, read straight from the stored weights: fp32 sums, and what follows a
// product in a decoder layer (bias, residual, SwiGLU) applied to them before they are rounded. On CPUs with
// AMX the weights are the left tile operand as they lie in memory and the rows are packed as the right one,
// so there is no second copy of the weights and they are read once per step; elsewhere the same packing
// feeds fp32 multiply-adds. Single-threaded: the caller divides the units.
#include <c10/util/BFloat16.h>

#include <cstdint>

namespace toolr0::cpu {

// True where the tile unit is present and the system lets this process use it (asked for on the first call).
bool hasAmx();

inline constexpr int64_t kRowBlock = 16;    // rows that are packed together
inline constexpr int64_t kInputBlock = 32;  // inputs of a packed tile; `inputs` must be a multiple of it

// Packed rows: [row blocks, inputs / 32, 16 pairs of inputs, 16 rows], each element a pair (even input in the
// low half). Rows beyond the last are zeros.
inline int64_t packedElements(int64_t rows, int64_t inputs) {
  return (rows + kRowBlock - 1) / kRowBlock * kRowBlock * inputs / 2;
}
// One row block: `rows` ≤ 16 rows of x [rows, inputs], `stride` apart.
void packRowBlock(const c10::BFloat16* x, int64_t stride, int64_t rows, int64_t inputs, uint32_t* packed);

enum class Bf16Output {
  kStore,   // y bf16 [rows, outputs] = sum
  kAdd,     // y bf16 [rows, outputs] += sum, in fp32, rounded once (a bias is added to the rounded result)
  kFloat,   // y fp32 [rows, outputs] = sum
  kSwiglu,  // y packed rows of `outputs` inputs = silu(gate) * up, each rounded to bf16 first
};

// x · weightᵀ + bias. weight [outputs, inputs] dense; with kSwiglu [2 * outputs, inputs], gate then up, and
// outputs a multiple of 32.
struct Bf16Product {
  Bf16Output output = Bf16Output::kStore;
  const c10::BFloat16* weight = nullptr;
  const c10::BFloat16* bias = nullptr;  // [outputs] or [2 * outputs]; may be null
  int64_t outputs = 0, inputs = 0, rows = 0;
  const uint32_t* x = nullptr;  // packed rows
  void* y = nullptr;
  int64_t yStride = 0;  // elements between rows; not used by kSwiglu
};

// The product in units of some outputs, which are independent of each other: [0, bf16Units(product)).
int64_t bf16Units(const Bf16Product& product);
void multiplyBf16(const Bf16Product& product, int64_t firstUnit, int64_t lastUnit);

namespace reference {
// The same without AMX, for tests.
void multiplyBf16(const Bf16Product& product, int64_t firstUnit, int64_t lastUnit);
}  // namespace reference

}  // namespace toolr0::cpu
