#pragma once

#include <array>

#include "distance/cuda_distance.h"

namespace pixelcal::cuda {

// The distances of every pixel to every class of its image.
struct ClassDistances {
  const uint8_t* present;  // [batch, classes]: whether any pixel has the class
  VirtualPoint point;      // the point that distances to the other classes are measured to
};

// Computes the distances to all classes of `grid.batch` label maps, given as codes, in one transform: map c
// of image n starts at distances[(n * classes + c) * pixels].
ClassDistances DistancesToClasses(Stream& stream, const int16_t* codes, const Grid& grid, int64_t classes,
                                  const std::array<double, 3>& spacing, float* distances);

}  // namespace pixelcal::cuda
