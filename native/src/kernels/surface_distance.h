#pragma once

#include <array>
#include <span>

#include "shape.h"

namespace pixelcal {

// Whose definitions to follow; formulas agree only in name.
enum class SurfaceConvention {
  kReference,  // SDC repository: surface pixels by a full 3^d erosion; percentile of both directions pooled,
               // in float32
  kMonai,      // surface pixels by a cross erosion; the larger of the two directed percentiles
  kDeepMind,   // surface elements between pixels, weighted by length or area; the larger of the directed
               // percentiles
};

// Distances when a mask is empty.
enum class EmptyMask {
  kNan,        // NaN throughout
  kReference,  // both empty: distances 0, nsd 1; one empty: Infinity, nsd 0
  kDiagonal,   // both empty as kReference; one empty: the image's diagonal, nsd 0
};

struct SurfaceOptions {
  std::array<double, 3> spacing{1, 1, 1};
  SurfaceConvention convention = SurfaceConvention::kReference;
  EmptyMask empty = EmptyMask::kNan;
  double tolerance = 1;  // physical units, for nsd
};

struct SurfaceMeasures {
  double hd;      // Hausdorff distance
  double hd95;    // its 95th percentile
  double assd;    // average symmetric surface distance: the mean over both surfaces' elements
  double nsd;     // normalised surface Dice: the share of both surfaces within `tolerance` of the other
  double a_to_b;  // mean distance of a's surface to b's
  double b_to_a;
};

namespace cpu {

// Surface distances between the masks a and b of each image, in physical units. O(pixels of the box around
// both).
void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out);

}  // namespace cpu

namespace cuda {

// As cpu::, the same bits where pixels have equal sides; else squared distances may differ in their last bit.
void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out);

}  // namespace cuda
}  // namespace pixelcal
