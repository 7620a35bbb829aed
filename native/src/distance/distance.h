#pragma once

#include <array>
#include <span>

#include "base/shape.h"

namespace pixelcal {

// The distances of an image without any zero.
enum class NoZero {
  kInfinity,
  kReference,  // as scipy.ndimage (1.17), on which the authors' SDC relies: measured to the point one step
               // before the image on its first axis, 0 on the others
};

struct DistanceOptions {
  std::array<double, 3> spacing{1, 1, 1};  // physical size of a pixel per spatial axis
  bool squared = false;
  NoZero no_zero = NoZero::kInfinity;
};

namespace cpu {

// Computes the exact Euclidean distance of every nonzero pixel to the nearest zero of its image; zeros get 0.
void DistanceTransform(std::span<const uint8_t> mask, const Grid& grid, const DistanceOptions& options,
                       std::span<float> out);

}  // namespace cpu

namespace cuda {

void DistanceTransform(std::span<const uint8_t> mask, const Grid& grid, const DistanceOptions& options,
                       std::span<float> out);

}  // namespace cuda
}  // namespace pixelcal
