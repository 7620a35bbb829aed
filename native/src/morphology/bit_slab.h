#pragma once

#include <cstdint>

namespace pixelcal {

inline constexpr uint64_t kOnes = ~uint64_t{0};

// The layout of planes of rows of pixels as bits (morphology/bit_loops.h), each row followed by `guard` words
// with the bits outside the image, so that loops run over all rows at once. A buffer's address is that of its
// first row.
struct SlabLayout {
  int64_t planes, rows, pixels;
  int64_t words;   // of a row
  int64_t guard;   // words between rows, before the first and after the last
  int64_t stride;  // words + guard

  int64_t Lines() const { return planes * rows; }
  int64_t PlaneWords() const { return rows * stride; }
  // Returns the words of a buffer, including those that vector loops touch after its end; the first row
  // starts at `guard`.
  int64_t BufferWords() const { return Lines() * stride + 2 * guard + 16; }
};

// Returns a layout for windows of at most `radius` along the rows.
SlabLayout MakeSlabLayout(int64_t planes, int64_t rows, int64_t pixels, int64_t radius);

// Sets all bits that are not pixels to `outside` (0 or all ones).
void SetRowEnds(const SlabLayout& layout, uint64_t outside, uint64_t* bits);

// The edges of a slab: whether the first and the last steps along an axis are the image's, and the bits
// beyond: 0 or all ones.
struct SlabEdges {
  bool first, last;
  uint64_t outside;
};

// Dilate by `radius` along one axis. Row ends are unchanged along the first two; SpreadRow leaves them
// undefined, destroys `in` when radius > 1, adds the bits of `with` unless it is null, and inverts the result
// where `flip` is all ones. `spare` is a buffer of its own, or `in` if that may be destroyed.
void SpreadPlanes(const SlabLayout& layout, const uint64_t* in, int64_t radius, SlabEdges edges,
                  uint64_t* spare, uint64_t* out);
void SpreadRows(const SlabLayout& layout, const uint64_t* in, int64_t radius, SlabEdges edges,
                uint64_t* spare, uint64_t* out);
// Does SpreadRows and SpreadRow by 1 at once; `in` is unchanged.
void SpreadSquare(const SlabLayout& layout, const uint64_t* in, SlabEdges edges, uint64_t flip,
                  uint64_t* out);
// Finds the pixels of one plane with set as well as clear ones in their 3 x 3 window; row ends of `in` are 0.
void GradientSquare(const SlabLayout& layout, const uint64_t* in, uint64_t* spare, uint64_t* out);
void SpreadRow(const SlabLayout& layout, uint64_t* in, int64_t radius, const uint64_t* with, uint64_t flip,
               uint64_t* out);

}  // namespace pixelcal
