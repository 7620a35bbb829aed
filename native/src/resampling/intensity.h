#pragma once

#include <cstdint>
#include <span>

#include "base/shape.h"

namespace pixelcal {

enum class IntensityChange { kBrightness, kContrast, kGamma, kInvertedGamma, kNoise, kBlur };

// Throws std::invalid_argument unless the lengths fit and `amounts` are ones of this change.
void CheckIntensity(const Grid& grid, IntensityChange change, std::span<const double> amounts,
                    int64_t elements, int64_t results);

namespace cpu {

// Changes the intensities x of every plane of `image`, whose grid's batch counts planes, by a number a of its
// own; a plane whose number changes nothing is copied.
//   brightness: a x
//   contrast:   mean + a (x - mean), kept within the plane's range
//   gamma:      u^a of the plane's range as u, then scaled and shifted to the plane's mean and deviation;
//               inverted gamma does so with -x
//   noise:      x + a n, n normal, by `seed`, the plane and the pixel alone
//   blur:       a Gaussian of deviation a pixels, `rank` numbers per plane, cut at 4 deviations, in which the
//               border repeats
void ChangeIntensity(std::span<const float> image, const Grid& grid, IntensityChange change,
                     std::span<const double> amounts, uint64_t seed, std::span<float> out);

}  // namespace cpu
}  // namespace pixelcal
