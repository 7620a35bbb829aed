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
#include <vector>

#include "error.h"
#include "parallel.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kLineBytes = 128 << 10;  // one line buffer; two of them stay in a core's L2
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

void Or(const uint8_t* __restrict a, const uint8_t* __restrict b, int64_t count, uint8_t* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] | b[i];
}

// Lines side by side, `width` of them, starting at `in`.
void SpreadTile(const uint8_t* in, const Lines& lines, int64_t width, const Spread& spread, uint8_t* a,
                uint8_t* b, uint8_t* out) {
  const int64_t window = 2 * spread.radius + 1;
  const int64_t padded = lines.length + 2 * spread.radius;
  const int64_t pad = spread.radius * width;
  std::fill_n(a, pad, spread.outside);
  std::fill_n(a + pad + lines.length * width, pad, spread.outside);
  const uint8_t flip = spread.flip_in ? 1 : 0;
  for (int64_t i = 0; i < lines.length; ++i) {
    const uint8_t* source = in + i * lines.inner;
    uint8_t* target = a + pad + i * width;
    for (int64_t x = 0; x < width; ++x) target[x] = static_cast<uint8_t>((source[x] != 0) ^ flip);
  }
  int64_t covered = 1;
  for (; 2 * covered <= window; covered *= 2) {
    Or(a, a + covered * width, (padded - 2 * covered + 1) * width, b);
    std::swap(a, b);
  }
  Or(a, a + (window - covered) * width, lines.length * width, b);
  const uint8_t invert = spread.flip_out ? 1 : 0;
  for (int64_t i = 0; i < lines.length; ++i) {
    const uint8_t* source = b + i * width;
    uint8_t* target = out + i * lines.inner;
    if (spread.accumulate)
      for (int64_t x = 0; x < width; ++x) target[x] |= source[x];
    else
      for (int64_t x = 0; x < width; ++x) target[x] = source[x] ^ invert;
  }
}

// May work in place: a tile is read whole before it is written.
void SpreadAxis(const uint8_t* in, const Lines& lines, Spread spread, uint8_t* out) {
  spread.radius = std::min(spread.radius, lines.length);
  const int64_t padded = lines.length + 2 * spread.radius;
  const int64_t width = std::min(lines.inner, std::max<int64_t>(64, kLineBytes / padded));
  const int64_t tiles = (lines.inner - 1) / width + 1;
  const int64_t grain = std::max<int64_t>(1, kChunkPixels / (lines.length * width));
  ParallelFor(lines.outer * tiles, grain, [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> a(padded * width), b(padded * width);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t column = item % tiles * width;
      const int64_t offset = item / tiles * lines.length * lines.inner + column;
      SpreadTile(in + offset, lines, std::min(width, lines.inner - column), spread, a.data(), b.data(),
                 out + offset);
    }
  });
}

template <class Body>
void ForPixels(int64_t count, const Body& body) {
  ParallelFor(count, kChunkPixels, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
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
    ForPixels(count, [&](int64_t i) { source[i] = static_cast<uint8_t>((in[i] != 0) ^ complement); });
    for (int64_t round = 0; round < iterations_; ++round) {
      for (int axis = 0; axis < grid_.rank; ++axis)
        SpreadAxis(source.data(), Along(grid_, axis), {radius_, outside, false, false, axis > 0},
                   result.data());
      const bool settled = source == result;
      source.swap(result);
      if (settled) break;
    }
    ForPixels(count, [&](int64_t i) { out[i] = static_cast<uint8_t>(source[i] ^ complement); });
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
      return ForPixels(count,
                       [&](int64_t i) { result[i] = static_cast<uint8_t>((in[i] != 0) & !result[i]); });
    case MorphologyOp::kExternalGradient:
      morpher.Dilate(in, result);
      return ForPixels(count, [&](int64_t i) { result[i] = static_cast<uint8_t>(result[i] & (in[i] == 0)); });
    case MorphologyOp::kGradient: {
      std::vector<uint8_t> eroded(count);
      morpher.Erode(in, eroded.data());
      morpher.Dilate(in, result);
      return ForPixels(count, [&](int64_t i) { result[i] = static_cast<uint8_t>(result[i] & !eroded[i]); });
    }
  }
}

}  // namespace pixelcal::cpu
