#include <algorithm>

#include "kernels/cpu_simd.h"
#include "kernels/panel_linear.h"

namespace toolr0::cpu {
namespace {

using simd::laneCount;
using simd::loadAs;
using simd::store;

// Rows of a register tile: two sums per row, two vectors of weights and a broadcast fill the registers.
template <typename V>
constexpr int tileRows() {
#if defined(__aarch64__)
  return 8;
#else
  return laneCount<V>() == 16 ? 8 : laneCount<V>() == 8 ? 6 : 4;
#endif
}

struct Product {
  const PanelMatrix& matrix;
  const float* x;
  int64_t xStride, rows;
  float* y;
  int64_t yStride;
  PanelAhead* ahead;
};

// What a tile fetches: `step` bytes of the next panel and `otherStep` of two other blocks for each input.
struct Fetch {
  const char *panel, *first, *second;
  int64_t step, otherStep;
};

// Rows [row, row + R) of panel `panel`.
template <typename V, PanelOutput kOutput, int R>
TR0_INLINE void tile(const Product& p, int64_t panel, int64_t row, const Fetch& fetch) {
  constexpr int kLanes = laneCount<V>();
  const int64_t inputs = p.matrix.inputs;
  const float* weights = p.matrix.panels + panel * inputs * 2 * kLanes;
  const float* x[R];
  for (int r = 0; r < R; ++r) x[r] = p.x + (row + r) * p.xStride;
  const char *nextPanel = fetch.panel, *other = fetch.first;
  const int64_t apart = fetch.second - fetch.first, step = fetch.step, otherStep = fetch.otherStep;
  V first[R] = {}, second[R] = {};
  for (int64_t k = 0; k < inputs; ++k) {
    const V a = loadAs<V>(weights + k * 2 * kLanes), b = loadAs<V>(weights + k * 2 * kLanes + kLanes);
    __builtin_prefetch(nextPanel);
    __builtin_prefetch(other, 0, 2);
    __builtin_prefetch(other + apart, 0, 2);
    nextPanel += step;
    other += otherStep;
    for (int r = 0; r < R; ++r) {
      const float s = x[r][k];
      first[r] += a * s;
      second[r] += b * s;
    }
  }
  if (p.matrix.bias != nullptr) {
    const float* bias = p.matrix.bias + panel * 2 * kLanes;
    const V a = loadAs<V>(bias), b = loadAs<V>(bias + kLanes);
    for (int r = 0; r < R; ++r) {
      first[r] += a;
      second[r] += b;
    }
  }
  for (int r = 0; r < R; ++r) {
    if constexpr (kOutput == PanelOutput::kSwiglu) {
      store(p.y + (row + r) * p.yStride + panel * kLanes, first[r] * simd::sigmoid(first[r]) * second[r]);
    } else {
      float* y = p.y + (row + r) * p.yStride + panel * 2 * kLanes;
      if constexpr (kOutput == PanelOutput::kAdd) {
        first[r] += loadAs<V>(y);
        second[r] += loadAs<V>(y + kLanes);
      }
      store(y, first[r]);
      store(y + kLanes, second[r]);
    }
  }
}

template <typename V, PanelOutput kOutput, int R>
TR0_INLINE void lastTile(const Product& p, int64_t panel, int64_t row, const Fetch& fetch) {
  if constexpr (R > 0) {
    if (p.rows - row == R)
      tile<V, kOutput, R>(p, panel, row, fetch);
    else
      lastTile<V, kOutput, R - 1>(p, panel, row, fetch);
  }
}

// A panel is used once per step, so it comes from beyond the second-level cache: each tile fetches its share
// of the next one.
template <typename V, PanelOutput kOutput>
TR0_INLINE void multiply(const Product& p) {
  constexpr int R = tileRows<V>();
  const int64_t tiles = (p.rows + R - 1) / R, inputs = p.matrix.inputs;
  const int64_t panelBytes = inputs * 2 * static_cast<int64_t>(sizeof(V));
  const auto* panels = reinterpret_cast<const char*>(p.matrix.panels);
  Fetch fetch{};
  fetch.step = tiles == 0 ? 0 : static_cast<int64_t>(2 * sizeof(V)) / tiles;
  const auto fetchOther = [&] {
    fetch.first = fetch.second = reinterpret_cast<const char*>(p.x);
    fetch.otherStep = 0;
    if (p.ahead == nullptr || p.ahead->next == p.ahead->count) return;
    const int64_t offset = p.ahead->offsets[p.ahead->next++];
    fetch.first = static_cast<const char*>(p.ahead->first) + offset;
    fetch.second = static_cast<const char*>(p.ahead->second) + offset;
    fetch.otherStep = (kAheadBytes + inputs - 1) / inputs;
  };
  for (int64_t panel = 0; panel < p.matrix.count; ++panel) {
    fetch.panel = panels + (panel + 1) * panelBytes;
    int64_t row = 0;
    for (; row + R <= p.rows; row += R, fetch.panel += inputs * fetch.step) {
      fetchOther();
      tile<V, kOutput, R>(p, panel, row, fetch);
    }
    if (row == p.rows) continue;
    fetchOther();
    lastTile<V, kOutput, R - 1>(p, panel, row, fetch);
  }
}

template <typename V>
TR0_INLINE void storeBody(const Product& p) {
  multiply<V, PanelOutput::kStore>(p);
}
template <typename V>
TR0_INLINE void addBody(const Product& p) {
  multiply<V, PanelOutput::kAdd>(p);
}
template <typename V>
TR0_INLINE void swigluBody(const Product& p) {
  multiply<V, PanelOutput::kSwiglu>(p);
}
TR0_CPU_DISPATCH_LANES(runStore, storeBody, (const Product& p), (p))
TR0_CPU_DISPATCH_LANES(runAdd, addBody, (const Product& p), (p))
TR0_CPU_DISPATCH_LANES(runSwiglu, swigluBody, (const Product& p), (p))

template <typename V>
TR0_INLINE void lanesBody(int64_t& lanes) {
  lanes = laneCount<V>();
}
TR0_CPU_DISPATCH_LANES(lanesOfMachine, lanesBody, (int64_t& lanes), (lanes))

// Row rowOf(output) of `weight` (none if negative) becomes column `output` of the panels.
template <typename RowOf>
void pack(const float* weight, int64_t panels, int64_t inputs, const RowOf& rowOf, float* to) {
  const int64_t width = panelWidth();
  constexpr int64_t kInputs = 16;  // a cache line of every row is turned at a time
  for (int64_t panel = 0; panel < panels; ++panel, to += inputs * width)
    for (int64_t begin = 0; begin < inputs; begin += kInputs) {
      const int64_t end = std::min(inputs, begin + kInputs);
      for (int64_t lane = 0; lane < width; ++lane) {
        const int64_t row = rowOf(panel * width + lane);
        for (int64_t k = begin; k < end; ++k)
          to[k * width + lane] = row < 0 ? 0.0f : weight[row * inputs + k];
      }
    }
}

}  // namespace

int64_t panelWidth() {
  static const int64_t width = [] {
    int64_t lanes = 0;
    lanesOfMachine(lanes);
    return 2 * lanes;
  }();
  return width;
}

int64_t panelCount(int64_t outputs) {
  return (outputs + panelWidth() - 1) / panelWidth();
}
int64_t gatedPanelCount(int64_t outputs) {
  const int64_t half = panelWidth() / 2;
  return (outputs + half - 1) / half;
}

void packPanels(const float* weight, int64_t outputs, int64_t inputs, float* panels) {
  pack(
      weight, panelCount(outputs), inputs,
      [&](int64_t output) { return output < outputs ? output : int64_t{-1}; }, panels);
}

void packGatedPanels(const float* weight, int64_t outputs, int64_t inputs, float* panels) {
  const int64_t width = panelWidth(), half = width / 2;
  const auto rowOf = [&](int64_t column) {
    const int64_t output = column / width * half + column % half;
    if (output >= outputs) return int64_t{-1};
    return column % width < half ? output : outputs + output;
  };
  pack(weight, gatedPanelCount(outputs), inputs, rowOf, panels);
}

void panelLinear(PanelOutput output, const PanelMatrix& matrix, const float* x, int64_t xStride, int64_t rows,
                 float* y, int64_t yStride, PanelAhead* ahead) {
  const Product product{matrix, x, xStride, rows, y, yStride, ahead};
  switch (output) {
    case PanelOutput::kStore:
      return runStore(product);
    case PanelOutput::kAdd:
      return runAdd(product);
    case PanelOutput::kSwiglu:
      return runSwiglu(product);
  }
}

}  // namespace toolr0::cpu
