#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "base/shape.h"

namespace pixelcal {

// A size as depth, height and width.
using Dhw = std::array<int64_t, 3>;

struct Box {
  Dhw first{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max(),
            std::numeric_limits<int64_t>::max()};
  Dhw last{-1, -1, -1};
  Dhw Extent() const { return {last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1}; }
};

// A surface on a grid of places: its places as packed rows (morphology/packed_mask.h) and as bytes, 0 for no
// surface, else a code (1 for surface pixels).
struct Surface {
  Dhw size;
  const uint64_t* bits;
  const uint8_t* code;

  int64_t Rows() const { return size[0] * size[1]; }
  int64_t RowWords() const { return (size[2] + 63) / 64; }
};

// Returns a grid of `rank` trailing dimensions.
Grid GridOf(const Dhw& size, int rank);

// The two masks that are compared. Each side has scratch of its own.
enum class Side { kA, kB };

// Below, masks are packed rows of dhw; the word after their end may be read. Results lie in scratch of this
// thread until the next call for the same side.

// Returns the mask in bits.
const uint64_t* PackImage(const uint8_t* mask, const Dhw& dhw, Side side);

// Grows the box around the pixels of the mask; returns whether there are any.
bool GrowBox(const uint64_t* mask, const Dhw& dhw, Box& box);

// Widens the box by one pixel to each side, as far as the image goes.
void WidenBox(const Dhw& dhw, Box& box);

// Below, `ignored` pixels (null for none; disjoint from the mask) are neither inside nor outside. The box
// then holds the neighbours of the mask's pixels.

// Returns the pixels of the mask with a neighbour outside it: in the full 3^rank neighbourhood, or among
// those that share a face. Outside the image is outside the mask.
Surface SurfacePixels(const uint64_t* mask, const uint64_t* ignored, const Dhw& dhw, const Box& box, int rank,
                      bool full, Side side);

// Returns the pixel corners around which not all of the 2^rank pixels agree, with the code of
// SurfaceElementSizes, in which ignored pixels are outside. There is one corner more than pixels along each
// axis.
Surface SurfaceCorners(const uint64_t* mask, const uint64_t* ignored, const Dhw& dhw, const Box& box,
                       int rank, Side side);

}  // namespace pixelcal
