// A block of C is 32 x 32: four tiles of sums, two of the left factor, two of the right, all eight the CPU
// has. The right factor is packed once into tiles, whole; the left one block of rows at a time, by the thread
// that multiplies it. Both factors then stream from the second-level cache, which is what limits the speed
// (about half the tiles' peak).
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/amx_tiles.h"
#include "kernels/bf16_product.h"
#include "kernels/linear_bf16.h"
#if defined(__x86_64__) && defined(__linux__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own headers begin "undefined" vectors by reading them.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#define TR0_TILES 1
#endif

namespace toolr0::cpu {

#ifdef TR0_TILES
namespace {

#define TR0_TILE_CODE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,amx-tile,amx-bf16")))

using Element = uint16_t;       // the bits of a bf16 number
constexpr int64_t kSide = 16;   // rows of a tile, and columns of fp32
constexpr int64_t kDepth = 32;  // bf16 numbers in a row of a tile
constexpr int64_t kTileSize = kSide * kDepth;
constexpr int64_t kBlock = 2 * kSide;
constexpr int64_t kDepthBlock = 2048;  // of a product with longer sums; bounds what a thread packs

int64_t ceilDivide(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// Turns 16 x 16 numbers of 32 bits.
TR0_TILE_CODE inline void turn(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 8; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}

__mmask16 firstLanes(int64_t count) {
  return static_cast<__mmask16>(count >= kSide ? 0xffff : (1u << std::max<int64_t>(0, count)) - 1);
}

// Rows k … k+31 of 16 columns as pairs: lane i of row j holds numbers (2j, i) and (2j + 1, i). Rows and
// columns beyond the matrix are zeros.
TR0_TILE_CODE inline void loadPairs(const Element* from, int64_t stride, int64_t rows, __mmask16 columns,
                                    __m512i pairs[16]) {
  const auto row = [&](int64_t k) TR0_TILE_CODE {
    return k < rows ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(columns, from + k * stride))
                    : _mm512_setzero_si512();
  };
  for (int64_t j = 0; j < kSide; ++j)
    pairs[j] = _mm512_or_si512(row(2 * j), _mm512_slli_epi32(row(2 * j + 1), 16));
}

// One tile of the right factor (pairs along the depth) from a matrix [K, N].
TR0_TILE_CODE void packRightTile(const Element* from, int64_t stride, int64_t rows, int64_t columns,
                                 Element* tile) {
  __m512i pairs[16];
  loadPairs(from, stride, rows, firstLanes(columns), pairs);
  for (int i = 0; i < 16; ++i) _mm512_storeu_si512(tile + i * kDepth, pairs[i]);
}
// … of the left factor (rows along the depth) from a matrix [K, M].
TR0_TILE_CODE void packTurnedLeftTile(const Element* from, int64_t stride, int64_t rows, int64_t columns,
                                      Element* tile) {
  __m512i pairs[16];
  loadPairs(from, stride, rows, firstLanes(columns), pairs);
  turn(pairs);
  for (int i = 0; i < 16; ++i) _mm512_storeu_si512(tile + i * kDepth, pairs[i]);
}
// Where tile (row of tiles, depth) of the left factor lies, and how far its rows are apart.
struct Left {
  const Element* data;
  int64_t tileRowStride, depthStride, rowBytes;
  const Element* at(int64_t tileRow, int64_t depth) const {
    return data + tileRow * tileRowStride + depth * depthStride;
  }
};

// The valid part of a 16 x 16 piece of C.
struct Piece {
  float* c;
  int64_t stride, rows, columns;
  bool whole() const { return rows >= kSide && columns >= kSide; }
};

TR0_TILE_CODE void addPiece(const float* sums, const Piece& piece) {
  const __mmask16 lanes = firstLanes(piece.columns);
  for (int64_t i = 0; i < std::min(kSide, piece.rows); ++i) {
    float* to = piece.c + i * piece.stride;
    _mm512_mask_storeu_ps(to, lanes,
                          _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, to), _mm512_loadu_ps(sums + i * kSide)));
  }
}
// Sums over the whole depth of a 32 x 32 block, in tiles 0 … 3.
TR0_TILE_CODE inline void multiplyBlock(const Left& left, int64_t tileRow, const Element* right,
                                        int64_t panelSize, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k) {
    const Element* a = left.at(tileRow, k);
    _tile_loadd(4, a, left.rowBytes);
    _tile_loadd(6, right + k * kTileSize, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, right + panelSize + k * kTileSize, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, left.at(tileRow + 1, k), left.rowBytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

// C's rows [0, rows) += left · right; `tiles` of the right factor are [panels, depth].
TR0_TILE_CODE void addRows(const Left& left, int64_t rows, const Element* tiles, int64_t depth, float* c,
                           int64_t columns) {
  alignas(64) float sums[kSide * kSide];
  const int64_t panelSize = depth * kTileSize;
  for (int64_t column = 0; column < columns; column += kBlock) {
    const Element* right = tiles + column / kSide * panelSize;
    for (int64_t row = 0; row < rows; row += kBlock) {
      const auto piece = [&](int64_t i, int64_t j) {
        return Piece{c + (row + i) * columns + column + j, columns, rows - row - i, columns - column - j};
      };
      const bool whole = rows - row >= kBlock && columns - column >= kBlock;
      const int64_t stride = columns * static_cast<int64_t>(sizeof(float));
      if (whole) {
        _tile_loadd(0, piece(0, 0).c, stride);
        _tile_loadd(1, piece(0, kSide).c, stride);
        _tile_loadd(2, piece(kSide, 0).c, stride);
        _tile_loadd(3, piece(kSide, kSide).c, stride);
      } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
      }
      multiplyBlock(left, row / kSide, right, panelSize, depth);
      if (whole) {
        _tile_stored(0, piece(0, 0).c, stride);
        _tile_stored(1, piece(0, kSide).c, stride);
        _tile_stored(2, piece(kSide, 0).c, stride);
        _tile_stored(3, piece(kSide, kSide).c, stride);
      } else {
        _tile_stored(0, sums, 64);
        addPiece(sums, piece(0, 0));
        _tile_stored(1, sums, 64);
        addPiece(sums, piece(0, kSide));
        _tile_stored(2, sums, 64);
        addPiece(sums, piece(kSide, 0));
        _tile_stored(3, sums, 64);
        addPiece(sums, piece(kSide, kSide));
      }
    }
  }
}

const Element* elements(const at::Tensor& x) {
  return reinterpret_cast<const Element*>(x.const_data_ptr<at::BFloat16>());
}

// Rows of the left factor a thread takes at a time: many, so that the right one is fetched seldom, and few
// enough that every thread has several.
int64_t rowsPerTask(int64_t rows) {
  return rows >= 1024 * at::get_num_threads() ? 4 * kBlock : 2 * kBlock;
}

}  // namespace

void addTransposedProduct(const at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  const int64_t depth = a.size(0), rows = a.size(1), columns = b.size(1);
  TORCH_CHECK(hasAmx() && sum.is_contiguous() && sum.size(0) == rows && sum.size(1) == columns &&
                  b.size(0) == depth && a.stride(1) == 1 && b.stride(1) == 1,
              "addTransposedProduct: ", sum.sizes(), " += ", a.sizes(), "ᵀ · ", b.sizes());
  const Element *left = elements(a), *right = elements(b);
  float* c = sum.data_ptr<float>();
  const int64_t panels = ceilDivide(columns, kBlock) * 2, task = rowsPerTask(rows);
  const int64_t deepest = ceilDivide(std::min(depth, kDepthBlock), kDepth);
  const at::Tensor packed = at::empty({panels * deepest * kTileSize}, b.options());
  auto* tiles = reinterpret_cast<Element*>(packed.data_ptr<at::BFloat16>());
  for (int64_t first = 0; first < depth; first += kDepthBlock) {
    const int64_t count = std::min(kDepthBlock, depth - first), steps = ceilDivide(count, kDepth);
    at::parallel_for(0, panels * steps, 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t k = i % steps * kDepth, column = i / steps * kSide;
        packRightTile(right + (first + k) * b.stride(0) + std::min(column, columns), b.stride(0), count - k,
                      columns - column, tiles + i * kTileSize);
      }
    });
    at::parallel_for(0, ceilDivide(rows, task), 1, [&](int64_t begin, int64_t end) {
      const AmxTiles tilesInUse;
      std::vector<Element> own(static_cast<size_t>(task * steps * kDepth + kDepth));
      Element* data = own.data() + (64 - reinterpret_cast<uintptr_t>(own.data()) % 64) % 64 / sizeof(Element);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i * task, rowCount = std::min(task, rows - row);
        for (int64_t tileRow = 0; tileRow < ceilDivide(rowCount, kBlock) * 2; ++tileRow)
          for (int64_t k = 0; k < steps; ++k) {
            const int64_t r = row + tileRow * kSide;
            packTurnedLeftTile(left + (first + k * kDepth) * a.stride(0) + std::min(r, rows), a.stride(0),
                               count - k * kDepth, rows - r, data + (tileRow * steps + k) * kTileSize);
          }
        addRows({data, steps * kTileSize, kTileSize, 64}, rowCount, tiles, steps, c + row * columns, columns);
      }
    });
  }
}

#else

void addTransposedProduct(const at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  sum.add_(at::mm(a.t(), b));
}
#endif

void productWithTransposed(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b) {
  const int64_t rows = a.size(0), inputs = a.size(1), outputs = b.size(0);
  TORCH_CHECK(out.is_contiguous() && out.size(0) == rows && out.size(1) == outputs && b.size(1) == inputs &&
                  inputs % kInputBlock == 0 && a.stride(1) == 1 && b.is_contiguous(),
              "productWithTransposed: ", out.sizes(), " = ", a.sizes(), " · ", b.sizes(), "ᵀ");
  const at::Tensor packed = at::empty({packedElements(rows, inputs)}, a.options().dtype(at::kInt));
  auto* x = reinterpret_cast<uint32_t*>(packed.data_ptr<int32_t>());
  const auto* from = a.const_data_ptr<at::BFloat16>();
  const int64_t block = packedElements(kRowBlock, inputs);
  at::parallel_for(0, (rows + kRowBlock - 1) / kRowBlock, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      packRowBlock(from + i * kRowBlock * a.stride(0), a.stride(0), std::min(kRowBlock, rows - i * kRowBlock),
                   inputs, x + i * block);
  });
  Bf16Product product;
  product.output = Bf16Output::kFloat;
  product.weight = b.const_data_ptr<at::BFloat16>();
  product.outputs = outputs;
  product.inputs = inputs;
  product.rows = rows;
  product.x = x;
  product.y = out.data_ptr<float>();
  product.yStride = outputs;
  at::parallel_for(0, bf16Units(product), 1,
                   [&](int64_t begin, int64_t end) { multiplyBf16(product, begin, end); });
}

}  // namespace toolr0::cpu
