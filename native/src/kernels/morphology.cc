// Binary morphology by windowed OR.
//
// Erosion is dilation of the complement, so one primitive does everything: out = OR over the window, along
// one axis. A box is separable into its axes; a cross is the OR of its arms. A window of width w is built by
// doubling (van Herk and Gil-Werman use running extrema; for bytes, log2(w) vector ORs over a line buffer in
// cache are faster and shorter): with t_s[i] = b[i] | ... | b[i+s-1], t_2s[i] = t_s[i] | t_s[i+s]. The cost
// per pixel grows with log(radius) only.
#include "kernels/morphology.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "error.h"
#include "parallel.h"
#include "scratch.h"
#include "targets.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kLineBytes = 32 << 10;  // one line buffer; two of them stay in L2, nearly in L1
constexpr int64_t kChunkPixels = 64 << 10;

// Lines of `length` pixels, `inner` elements apart.
struct Lines {
  int64_t outer, length, inner;
};

struct Spread {
  int64_t radius;
  uint8_t outside;  // 1: pixels outside are set
  bool flip_in;     // complement what is read
  bool flip_out;    // complement what is written
  bool accumulate;  // OR into the output (never together with flip_out)
};

Lines Along(const Grid& grid, int axis) {
  Lines lines{grid.batch, grid.size[axis], 1};
  for (int a = 0; a < axis; ++a) lines.outer *= grid.size[a];
  for (int a = axis + 1; a < grid.rank; ++a) lines.inner *= grid.size[a];
  return lines;
}

PIXELCAL_TARGETS void Or(const uint8_t* a, const uint8_t* b, int64_t count, uint8_t* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] | b[i];
}

PIXELCAL_TARGETS void Read(const uint8_t* in, int64_t count, bool flip, uint8_t* __restrict out) {
  const uint8_t zero = flip ? 1 : 0;
  for (int64_t i = 0; i < count; ++i) out[i] = in[i] != 0 ? zero ^ 1 : zero;
}

PIXELCAL_TARGETS void Write(const uint8_t* in, int64_t count, bool flip, bool accumulate,
                            uint8_t* __restrict out) {
  const uint8_t invert = flip ? 1 : 0;
  if (accumulate)
    for (int64_t i = 0; i < count; ++i) out[i] |= in[i];
  else
    for (int64_t i = 0; i < count; ++i) out[i] = in[i] ^ invert;
}

// A piece of the image in a line buffer: `count` runs of `length` contiguous pixels. Lines along the last
// axis are runs, each with its own padding; of lines along another axis, one run holds pixel i of all of
// them, and one padding serves.
struct Tile {
  int64_t count, length;
  int64_t stride;         // between runs in the image
  int64_t buffer_stride;  // between runs in the buffer
  int64_t first;          // of the first run in the buffer
  int64_t unit;           // between neighbours along a line in the buffer
  int64_t buffer;         // pixels in it
};

Tile MakeTile(const Lines& lines, int64_t radius, int64_t side_by_side) {
  const int64_t padded = lines.length + 2 * radius;
  if (lines.inner == 1)
    return {side_by_side, lines.length, lines.length, padded, radius, 1, side_by_side * padded};
  return {lines.length,          side_by_side, lines.inner,          side_by_side,
          radius * side_by_side, side_by_side, padded * side_by_side};
}

void SpreadTile(const uint8_t* in, const Tile& tile, const Spread& spread, uint8_t* a, uint8_t* b,
                uint8_t* out) {
  std::fill_n(a, tile.buffer, spread.outside);
  for (int64_t run = 0; run < tile.count; ++run)
    Read(in + run * tile.stride, tile.length, spread.flip_in, a + tile.first + run * tile.buffer_stride);
  const int64_t window = 2 * spread.radius + 1;
  int64_t covered = 1;
  for (; 2 * covered <= window; covered *= 2) {
    Or(a, a + covered * tile.unit, tile.buffer - (2 * covered - 1) * tile.unit, b);
    std::swap(a, b);
  }
  Or(a, a + (window - covered) * tile.unit, tile.buffer - (window - 1) * tile.unit, b);
  for (int64_t run = 0; run < tile.count; ++run)
    Write(b + run * tile.buffer_stride, tile.length, spread.flip_out, spread.accumulate,
          out + run * tile.stride);
}

// May work in place: a tile is read whole before it is written.
void SpreadAxis(const uint8_t* in, const Lines& lines, Spread spread, uint8_t* out) {
  spread.radius = std::min(spread.radius, lines.length);
  const int64_t padded = lines.length + 2 * spread.radius;
  // Lines next to each other: along the last axis from any image, else from one.
  const int64_t lines_in_row = lines.inner == 1 ? lines.outer : lines.inner;
  const int64_t rows = lines.inner == 1 ? 1 : lines.outer;
  const int64_t least = lines.inner == 1 ? 1 : 64;
  const int64_t side_by_side = std::min(lines_in_row, std::max(least, kLineBytes / padded));
  const int64_t tiles = (lines_in_row - 1) / side_by_side + 1;
  ParallelFor(rows * tiles, 1, [&](int64_t begin, int64_t end) {
    uint8_t* a = Scratch<uint8_t, 0>(padded * side_by_side);
    uint8_t* b = Scratch<uint8_t, 1>(padded * side_by_side);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item % tiles * side_by_side;
      const Tile tile = MakeTile(lines, spread.radius, std::min(side_by_side, lines_in_row - first));
      const int64_t at =
          lines.inner == 1 ? first * lines.length : item / tiles * lines.length * lines.inner + first;
      SpreadTile(in + at, tile, spread, a, b, out + at);
    }
  });
}

// out = a and not b, in 0 and 1; out may be a or b.
PIXELCAL_TARGETS void AndNot(const uint8_t* a, const uint8_t* b, int64_t count, uint8_t* out) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] = (a[i] != 0) & (b[i] == 0);
}

template <class Body>
void ForChunks(int64_t count, const Body& body) {
  ParallelFor(count, kChunkPixels, [&](int64_t begin, int64_t end) { body(begin, end - begin); });
}

void Subtract(const uint8_t* a, const uint8_t* b, int64_t count, uint8_t* out) {
  ForChunks(count, [=](int64_t at, int64_t length) { AndNot(a + at, b + at, length, out + at); });
}

class Morpher {
 public:
  Morpher(const Grid& grid, const MorphologyOptions& options) : grid_(grid), options_(options) {
    int64_t extent = 1;
    for (int axis = 0; axis < grid.rank; ++axis) extent = std::max(extent, grid.size[axis]);
    radius_ = std::min(options.radius, extent);
    iterations_ = options.iterations;
    if (radius_ == 0) iterations_ = 1;
    if (options.structure == Structure::kBox && iterations_ > 1) {
      // A box repeated is a larger box, for every border rule: outside pixels keep their value.
      radius_ = iterations_ > extent / radius_ ? extent : radius_ * iterations_;
      iterations_ = 1;
    }
  }

  void Dilate(const uint8_t* in, uint8_t* out) const {
    Transform(in, false, options_.border == MorphologyBorder::kOne ? 1 : 0, out);
  }
  void Erode(const uint8_t* in, uint8_t* out) const {
    Transform(in, true, options_.border == MorphologyBorder::kZero ? 1 : 0, out);
  }

 private:
  void Transform(const uint8_t* in, bool complement, uint8_t outside, uint8_t* out) const {
    if (options_.structure == Structure::kBox)
      Box(in, complement, outside, out);
    else
      Cross(in, complement, outside, out);
  }

  void Box(const uint8_t* in, bool complement, uint8_t outside, uint8_t* out) const {
    for (int axis = grid_.rank - 1; axis >= 0; --axis) {
      const bool first = axis == grid_.rank - 1;
      SpreadAxis(first ? in : out, Along(grid_, axis),
                 {radius_, outside, complement && first, complement && axis == 0, false}, out);
    }
  }

  void Cross(const uint8_t* in, bool complement, uint8_t outside, uint8_t* out) const {
    const int64_t count = grid_.Count();
    std::vector<uint8_t> source(count), result(count);
    ForChunks(count,
              [&](int64_t at, int64_t length) { Read(in + at, length, complement, source.data() + at); });
    for (int64_t round = 0; round < iterations_; ++round) {
      for (int axis = 0; axis < grid_.rank; ++axis)
        SpreadAxis(source.data(), Along(grid_, axis), {radius_, outside, false, false, axis > 0},
                   result.data());
      const bool settled = source == result;
      source.swap(result);
      if (settled) break;
    }
    ForChunks(count,
              [&](int64_t at, int64_t length) { Read(source.data() + at, length, complement, out + at); });
  }

  const Grid& grid_;
  const MorphologyOptions& options_;
  int64_t radius_, iterations_;
};

}  // namespace

void Morphology(std::span<const uint8_t> mask, const Grid& grid, const MorphologyOptions& options,
                std::span<uint8_t> out) {
  const int64_t count = grid.Count();
  Require(std::ssize(mask) == count, "mask: expected ", count, " pixels, got ", mask.size());
  Require(std::ssize(out) == count, "out: expected ", count, " pixels, got ", out.size());
  Require(options.radius >= 0, "radius: expected at least 0, got ", options.radius);
  Require(options.iterations >= 1, "iterations: expected at least 1, got ", options.iterations);
  const std::less<const uint8_t*> before;
  Require(!before(mask.data(), out.data() + count) || !before(out.data(), mask.data() + count),
          "out: expected memory apart from the mask's, got an overlap");

  const Morpher morpher(grid, options);
  const uint8_t* in = mask.data();
  uint8_t* result = out.data();
  switch (options.op) {
    case MorphologyOp::kErosion:
      return morpher.Erode(in, result);
    case MorphologyOp::kDilation:
      return morpher.Dilate(in, result);
    case MorphologyOp::kOpening:
      morpher.Erode(in, result);
      return morpher.Dilate(result, result);
    case MorphologyOp::kClosing:
      morpher.Dilate(in, result);
      return morpher.Erode(result, result);
    case MorphologyOp::kInternalGradient:
      morpher.Erode(in, result);
      return Subtract(in, result, count, result);
    case MorphologyOp::kExternalGradient:
      morpher.Dilate(in, result);
      return Subtract(result, in, count, result);
    case MorphologyOp::kGradient: {
      const auto eroded = std::make_unique_for_overwrite<uint8_t[]>(count);
      morpher.Erode(in, eroded.get());
      morpher.Dilate(in, result);
      return Subtract(result, eroded.get(), count, result);
    }
  }
}

}  // namespace pixelcal::cpu
