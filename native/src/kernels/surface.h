#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace pixelcal {

// Depth, height and width.
using Dhw = std::array<int64_t, 3>;

struct Box {
  Dhw first{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max(),
            std::numeric_limits<int64_t>::max()};
  Dhw last{-1, -1, -1};
  Dhw Extent() const { return {last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1}; }
};

// A surface on a grid of places: 0 for no surface, else a code (1 for surface pixels).
struct Surface {
  Dhw size;
  std::vector<uint8_t> code;
};

// The box around the nonzero pixels of both masks, and which mask has any.
Box BoundingBox(const uint8_t* a, const uint8_t* b, const Dhw& dhw, bool* any_a, bool* any_b);

// Pixels of the mask with a neighbour outside it: in the full 3^rank neighbourhood, or among those that share
// a face. Outside the image is outside the mask.
Surface SurfacePixels(const uint8_t* mask, const Dhw& dhw, const Box& box, int rank, bool full);

// The pixel corners around which not all of the 2^rank pixels agree, with the code of SurfaceElementSizes.
// There is one corner more than pixels along each axis.
Surface SurfaceCorners(const uint8_t* mask, const Dhw& dhw, const Box& box, int rank);

}  // namespace pixelcal
