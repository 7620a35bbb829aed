#pragma once

#include <array>
#include <span>

#include "base/shape.h"
#include "base/span.h"
#include "distance/distance.h"

namespace pixelcal {

enum class Normalize {
  kNone,      // physical units
  kMax,       // divided by max|s| + 1e-6, per image and class: the SDC repository's multiclass_sdf_targets
  kSplit,     // outside and inside each divided by its own maximum: [-1, 1] on both sides
  kTruncate,  // clipped to +-truncate and divided by it
};

// The distances of a class without pixels, or one that fills the image: it has no boundary to measure to.
enum class Absent {
  kReference,  // distances to SciPy's virtual point, as in the SDC repository: a meaningless ramp
  kFar,        // +1 and -1; without normalisation + and - the image's diagonal
};

struct SignedDistanceOptions {
  int64_t classes = 2;
  std::array<double, 3> spacing{1, 1, 1};
  Normalize normalize = Normalize::kMax;
  double truncate = 1;  // physical units, for kTruncate
  Absent absent = Absent::kReference;
};

// Throws std::invalid_argument unless the sizes and options fit one another; does not read the labels.
void CheckSignedDistance(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                         std::span<const float> out);

namespace cpu {

// Computes the signed distance s of every pixel to every class, [N, classes, ...spatial]: outside a class the
// distance to its nearest pixel, inside minus the distance to the nearest pixel of another class. kMax with
// kReference equals the authors' float32 output bit for bit (unit spacing).
void SignedDistance(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                    std::span<float> out);

}  // namespace cpu

namespace cuda {

void SignedDistance(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                    std::span<float> out);

}  // namespace cuda
}  // namespace pixelcal
