#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/linear_bf16.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "kernels/amx_tiles.h"
#include "kernels/cpu_widen.h"

namespace toolr0::cpu {
namespace {

using c10::BFloat16;
using simd::F16;
using simd::laneCount;
using simd::loadAs;
using simd::loadWide;
using simd::store;

constexpr int64_t kTile = 16;

#define TR0_TURN(a, b, ...) \
  {                         \
    const F16 low = __builtin_shufflevector(a, b, __VA_ARGS__);
#define TR0_TURNED(a, b, ...)                                  \
  const F16 high = __builtin_shufflevector(a, b, __VA_ARGS__); \
  a = low;                                                     \
  b = high;                                                    \
  }

// A 16 × 16 square in registers, turned by swapping halves, quarters, eighths and neighbours.
TR0_INLINE void turn(F16* r) {
  for (int i = 0; i < 8; ++i) TR0_TURN(r[i], r[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
  TR0_TURNED(r[i], r[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
  for (int j = 0; j < 8; ++j) {
    const int i = j / 4 * 8 + j % 4;
    TR0_TURN(r[i], r[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
    TR0_TURNED(r[i], r[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
  }
  for (int j = 0; j < 8; ++j) {
    const int i = j / 2 * 4 + j % 2;
    TR0_TURN(r[i], r[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
    TR0_TURNED(r[i], r[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
  }
  for (int i = 0; i < 16; i += 2) {
    TR0_TURN(r[i], r[i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
    TR0_TURNED(r[i], r[i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
  }
}

// [16, 16] of 32-bit elements, rows `fromStride` apart, to rows `toStride` apart. Only moves bits.
template <typename V>
TR0_INLINE void turnSquare(const float* from, int64_t fromStride, float* to, int64_t toStride) {
  if constexpr (laneCount<V>() == 16) {
    F16 r[16];
    for (int i = 0; i < 16; ++i) r[i] = simd::load(from + i * fromStride);
    turn(r);
    for (int i = 0; i < 16; ++i) store(to + i * toStride, r[i]);
  } else {
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 16; ++j)
        std::memcpy(to + i * toStride + j, from + j * fromStride + i, sizeof(float));
  }
}

// The weights of a unit: two groups of 16 outputs.
struct Unit {
  const BFloat16* weight[2];  // 16 rows each, adjacent
  int64_t firstOutput[2], count[2];
};

template <typename V>
TR0_INLINE V roundToBf16(const V& v) {
  return (V)(simd::bfloat16Bits(v) << 16);
}

// Sums of output o and row r are at sums[o * 16 + r].
template <typename V>
TR0_INLINE void addBias(const Bf16Product& p, const Unit& unit, int group, float* sums) {
  if (p.bias == nullptr || p.output == Bf16Output::kAdd) return;
  for (int64_t o = 0; o < unit.count[group]; ++o) {
    const auto bias = static_cast<float>(p.bias[unit.firstOutput[group] + o]);
    for (int64_t r = 0; r < kTile; r += laneCount<V>())
      store(sums + o * kTile + r, loadAs<V>(sums + o * kTile + r) + bias);
  }
}

// A square of sums to the rows of y.
template <typename V>
TR0_INLINE void storeRows(const Bf16Product& p, const Unit& unit, int group, int64_t rowBlock,
                          const float* sums) {
  constexpr int kLanes = laneCount<V>();
  alignas(64) float turned[kTile * kTile];
  turnSquare<V>(sums, kTile, turned, kTile);
  const int64_t rows = std::min(kTile, p.rows - rowBlock * kTile), count = unit.count[group];
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t at = (rowBlock * kTile + r) * p.yStride + unit.firstOutput[group];
    const float* from = turned + r * kTile;
    if (p.output == Bf16Output::kFloat) {
      float* y = static_cast<float*>(p.y) + at;
      if (count == kTile)
        for (int64_t o = 0; o < kTile; o += kLanes) store(y + o, loadAs<V>(from + o));
      else
        std::memcpy(y, from, static_cast<size_t>(count) * sizeof(float));
      continue;
    }
    BFloat16 row[kTile] = {}, *y = static_cast<BFloat16*>(p.y) + at;
    if (p.output == Bf16Output::kAdd) std::memcpy(row, y, static_cast<size_t>(count) * sizeof(BFloat16));
    BFloat16 bias[kTile] = {};
    const bool biased = p.output == Bf16Output::kAdd && p.bias != nullptr;
    if (biased)
      std::memcpy(bias, p.bias + unit.firstOutput[group], static_cast<size_t>(count) * sizeof(BFloat16));
    for (int64_t o = 0; o < kTile; o += kLanes) {
      V v = loadAs<V>(from + o);
      if (p.output == Bf16Output::kAdd) v += loadWide<V>(row + o);
      if (biased) v = roundToBf16(v) + loadWide<V>(bias + o);
      simd::storeNarrow(row + o, v);
    }
    std::memcpy(y, row, static_cast<size_t>(count) * sizeof(BFloat16));
  }
}

// Gate and up sums of 16 outputs to the packed rows that the down projection reads: two outputs are a pair.
template <typename V>
TR0_INLINE void storeActivated(const Bf16Product& p, const Unit& unit, int64_t rowBlock, const float* gates,
                               const float* ups) {
  constexpr int kLanes = laneCount<V>();
  const int64_t first = unit.firstOutput[0];
  uint32_t* y =
      static_cast<uint32_t*>(p.y) +
      ((rowBlock * (p.outputs / kInputBlock) + first / kInputBlock) * kTile + first % kInputBlock / 2) *
          kTile;
  using Bits = typename simd::LanesOf<V>::Unsigned;
  const auto activated = [&](int64_t at) __attribute__((always_inline)) {
    const V gate = roundToBf16(loadAs<V>(gates + at)), up = roundToBf16(loadAs<V>(ups + at));
    return Bits(simd::bfloat16Bits(V(gate * simd::sigmoid(gate) * up)));
  };
  for (int64_t o = 0; o < kTile; o += 2)
    for (int64_t r = 0; r < kTile; r += kLanes)
      simd::storeAs(y + o / 2 * kTile + r, activated(o * kTile + r) | activated((o + 1) * kTile + r) << 16);
}

Unit unitOf(const Bf16Product& p, int64_t number, std::vector<BFloat16>& padded) {
  Unit unit;
  const bool gated = p.output == Bf16Output::kSwiglu;
  for (int group = 0; group < 2; ++group) {
    const int64_t first = gated ? number * kTile + group * p.outputs : (2 * number + group) * kTile;
    const int64_t count = std::min(kTile, (gated ? 2 * p.outputs : p.outputs) - first);
    unit.firstOutput[group] = first;
    unit.count[group] = std::max<int64_t>(0, count);
    unit.weight[group] = count > 0 ? p.weight + first * p.inputs : unit.weight[0];
    if (count <= 0 || count == kTile) continue;
    // The last outputs of a matrix whose height is no multiple of 16: tiles read 16 rows.
    padded.assign(static_cast<size_t>(kTile * p.inputs), BFloat16());
    std::copy(unit.weight[group], unit.weight[group] + count * p.inputs, padded.begin());
    unit.weight[group] = padded.data();
  }
  return unit;
}

// sums[o * 16 + r] for 16 outputs and one row block, in fp32 multiply-adds.
template <typename V>
TR0_INLINE void multiplyTile(const BFloat16* weight, int64_t inputs, const uint32_t* x, float* sums) {
  constexpr int kLanes = laneCount<V>(), kParts = kTile / kLanes, kOutputs = 8 / kParts;
  using Bits = typename simd::LanesOf<V>::Unsigned;
  for (int64_t first = 0; first < kTile; first += kOutputs) {
    V sum[kOutputs][kParts] = {};
    const BFloat16* row[kOutputs];
    for (int o = 0; o < kOutputs; ++o) row[o] = weight + (first + o) * inputs;
    for (int64_t k = 0; k < inputs; k += 2) {
      V even[kParts], odd[kParts];
      for (int i = 0; i < kParts; ++i) {
        const Bits pairs = loadAs<Bits>(x + k / 2 * kTile + i * kLanes);
        even[i] = (V)(pairs << 16);
        odd[i] = (V)(pairs & 0xFFFF0000u);
      }
      for (int o = 0; o < kOutputs; ++o) {
        const auto a = static_cast<float>(row[o][k]), b = static_cast<float>(row[o][k + 1]);
        for (int i = 0; i < kParts; ++i) {
          sum[o][i] += even[i] * a;
          sum[o][i] += odd[i] * b;
        }
      }
    }
    for (int o = 0; o < kOutputs; ++o)
      for (int i = 0; i < kParts; ++i) store(sums + (first + o) * kTile + i * kLanes, sum[o][i]);
  }
}

// What is done with the sums [2 groups, blocks, 16, 16] of `blocks` row blocks.
template <typename V>
TR0_INLINE void finish(const Bf16Product& p, const Unit& unit, int64_t firstBlock, int64_t blocks,
                       float* sums) {
  for (int64_t i = 0; i < blocks; ++i) {
    float* square[2] = {sums + i * 256, sums + (blocks + i) * 256};
    for (int group = 0; group < 2; ++group) addBias<V>(p, unit, group, square[group]);
    if (p.output == Bf16Output::kSwiglu)
      storeActivated<V>(p, unit, firstBlock + i, square[0], square[1]);
    else
      for (int group = 0; group < 2; ++group)
        if (unit.count[group] > 0) storeRows<V>(p, unit, group, firstBlock + i, square[group]);
  }
}

template <typename V>
TR0_INLINE void widenedBody(const Bf16Product& p, int64_t firstUnit, int64_t lastUnit,
                            std::vector<BFloat16>& padded) {
  alignas(64) float sums[2 * kTile * kTile];
  const int64_t blocks = (p.rows + kTile - 1) / kTile;
  for (int64_t number = firstUnit; number < lastUnit; ++number) {
    const Unit unit = unitOf(p, number, padded);
    for (int64_t block = 0; block < blocks; ++block) {
      const uint32_t* x = p.x + block * p.inputs / 2 * kTile;
      for (int group = 0; group < 2; ++group)
        if (unit.count[group] > 0) multiplyTile<V>(unit.weight[group], p.inputs, x, sums + group * 256);
      finish<V>(p, unit, block, 1, sums);
    }
  }
}
TR0_CPU_DISPATCH_LANES(multiplyWidened, widenedBody,
                       (const Bf16Product& p, int64_t firstUnit, int64_t lastUnit,
                        std::vector<BFloat16>& padded),
                       (p, firstUnit, lastUnit, padded))

#if defined(__x86_64__)
// The unit's sums for two row blocks (or the last one), fetching kLines of every 16 lines of the next unit.
template <int kLines>
TR0_INLINE void multiplyPair(const Bf16Product& p, const Unit& unit, int64_t block, int64_t blocks,
                             const char* const* ahead, float* sums) {
  const void* left[2] = {unit.weight[0], unit.weight[1]};
  const int64_t packed = p.inputs / 2 * kTile, stride = p.inputs * static_cast<int64_t>(sizeof(BFloat16));
  const uint32_t* right[2] = {p.x + block * packed, p.x + (block + 1) * packed};
  if (block + 1 == blocks)
    amxMultiply<1, kLines>(left, stride, right, p.inputs / kInputBlock, ahead, sums);
  else
    amxMultiply<2, kLines>(left, stride, right, p.inputs / kInputBlock, ahead, sums);
}

TR0_AMX_TARGET void multiplyAmx(const Bf16Product& p, int64_t firstUnit, int64_t lastUnit,
                                std::vector<BFloat16>& padded) {
  alignas(64) float sums[4 * kTile * kTile];
  const int64_t blocks = (p.rows + kTile - 1) / kTile, pairs = (blocks + 1) / 2;
  const int64_t groupBytes = kTile * p.inputs * static_cast<int64_t>(sizeof(BFloat16));
  // The next unit's weights follow: a plain unit is two adjacent groups of outputs.
  const int64_t next = p.output == Bf16Output::kSwiglu ? groupBytes : 2 * groupBytes;
  const AmxTiles tiles;
  for (int64_t number = firstUnit; number < lastUnit; ++number) {
    const Unit unit = unitOf(p, number, padded);
    for (int64_t pair = 0; pair < pairs; ++pair) {
      // The fetching is spread over the passes, so that main memory is never idle.
      const int64_t share = std::min<int64_t>(pairs, 4),
                    at = next + groupBytes / (share == 3 ? 2 : share) * pair;
      const char* ahead[2] = {reinterpret_cast<const char*>(unit.weight[0]) + at,
                              reinterpret_cast<const char*>(unit.weight[1]) + at};
      const int64_t block = 2 * pair;
      if (share == 1)
        multiplyPair<16>(p, unit, block, blocks, ahead, sums);
      else if (share < 4 && pair < 2)
        multiplyPair<8>(p, unit, block, blocks, ahead, sums);
      else if (share == 4 && pair < 4)
        multiplyPair<4>(p, unit, block, blocks, ahead, sums);
      else
        multiplyPair<0>(p, unit, block, blocks, ahead, sums);
      finish<F16>(p, unit, block, std::min<int64_t>(2, blocks - block), sums);
    }
  }
}
#endif

template <typename V>
TR0_INLINE void packBody(const BFloat16* x, int64_t stride, int64_t rows, int64_t inputs, uint32_t* packed) {
  alignas(64) float square[kTile * kTile] = {};
  for (int64_t k = 0; k < inputs; k += kInputBlock, packed += kTile * kTile) {
    for (int64_t r = 0; r < rows; ++r)
      std::memcpy(square + r * kTile, x + r * stride + k, kInputBlock * sizeof(BFloat16));
    turnSquare<V>(square, kTile, reinterpret_cast<float*>(packed), kTile);
  }
}
TR0_CPU_DISPATCH_LANES(pack, packBody,
                       (const BFloat16* x, int64_t stride, int64_t rows, int64_t inputs, uint32_t* packed),
                       (x, stride, rows, inputs, packed))

bool askForAmx() {
#if defined(__x86_64__) && defined(__linux__)
  unsigned eax, ebx, ecx, edx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;
  if ((edx & kAmxBf16) == 0 || (edx & kAmxTile) == 0) return false;
  if (simd::cpuLevel() != simd::CpuLevel::kAvx512) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

bool hasAmx() {
  static const bool available = askForAmx();
  return available;
}

void packRowBlock(const BFloat16* x, int64_t stride, int64_t rows, int64_t inputs, uint32_t* packed) {
  pack(x, stride, rows, inputs, packed);
}

int64_t bf16Units(const Bf16Product& product) {
  return product.output == Bf16Output::kSwiglu ? product.outputs / kTile
                                               : (product.outputs + 2 * kTile - 1) / (2 * kTile);
}

void multiplyBf16(const Bf16Product& product, int64_t firstUnit, int64_t lastUnit) {
#if defined(__x86_64__)
  if (hasAmx()) {
    thread_local std::vector<BFloat16> padded;
    return multiplyAmx(product, firstUnit, lastUnit, padded);
  }
#endif
  reference::multiplyBf16(product, firstUnit, lastUnit);
}

void reference::multiplyBf16(const Bf16Product& product, int64_t firstUnit, int64_t lastUnit) {
  thread_local std::vector<BFloat16> padded;
  multiplyWidened(product, firstUnit, lastUnit, padded);
}

}  // namespace toolr0::cpu
