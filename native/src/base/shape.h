#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "base/error.h"

namespace pixelcal {

// Returns a * b, and throws instead of overflowing; both factors must be >= 0.
inline int64_t CheckedProduct(int64_t a, int64_t b) {
  Require(a == 0 || b <= std::numeric_limits<int64_t>::max() / a,
          "size: expected at most 2^63 - 1 elements, got ", a, " x ", b);
  return a * b;
}

// A batch of images of 1 to 3 spatial dimensions, stored one after the other, last dimension fastest.
struct Grid {
  int64_t batch = 1;
  int rank = 0;                          // spatial dimensions
  std::array<int64_t, 3> size{1, 1, 1};  // size[0 .. rank-1]; the rest stay 1

  // Returns the number of pixels of one image.
  int64_t Pixels() const { return CheckedProduct(CheckedProduct(size[0], size[1]), size[2]); }
  // Returns the number of pixels of all images.
  int64_t Count() const { return CheckedProduct(batch, Pixels()); }
  // Returns the size as depth, height, width; missing leading dimensions are 1.
  std::array<int64_t, 3> DepthHeightWidth() const {
    std::array<int64_t, 3> dhw{1, 1, 1};
    for (int axis = 0; axis < rank; ++axis) dhw[3 - rank + axis] = size[axis];
    return dhw;
  }
};

// Returns a grid; throws unless batch and every size are at least 1, the rank is 1 to 3 and the element count
// is representable.
inline Grid MakeGrid(int64_t batch, std::span<const int64_t> size) {
  Require(size.size() >= 1 && size.size() <= 3, "size: expected 1 to 3 spatial dimensions, got ",
          size.size());
  Require(batch >= 1, "batch: expected at least 1, got ", batch);
  Grid grid;
  grid.batch = batch;
  grid.rank = static_cast<int>(size.size());
  for (int axis = 0; axis < grid.rank; ++axis) {
    Require(size[axis] >= 1, "size: expected positive sizes, got ", size[axis], " at axis ", axis);
    grid.size[axis] = size[axis];
  }
  grid.Count();
  return grid;
}

}  // namespace pixelcal
