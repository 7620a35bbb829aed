#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/shape.h"
#include "base/span.h"

namespace pixelcal {

// The definitions to follow; formulas agree only in name.
enum class SurfaceConvention {
  kReference,  // SDC repository: surface pixels by a full 3^d erosion; percentile of both directions pooled,
               // in float32
  kMonai,      // surface pixels by a cross erosion; the larger of the two directed percentiles
  kDeepMind,   // surface elements between pixels, weighted by length or area; the larger of the directed
               // percentiles
};

// The measures of masks that are both empty, or of which one is. A mask without surface, because all its
// outside neighbours are ignored, counts as empty.
enum class BothEmpty {
  kUndefined,  // NaN throughout
  kPerfect,    // distances 0, nsd 1
};
enum class OneEmpty {
  kWorst,      // distances infinite, nsd 0
  kDiagonal,   // distances the image's diagonal, nsd 0
  kUndefined,  // NaN throughout
};

struct SurfaceOptions {
  std::array<double, 3> spacing{1, 1, 1};
  SurfaceConvention convention = SurfaceConvention::kReference;
  BothEmpty both_empty = BothEmpty::kUndefined;
  OneEmpty one_empty = OneEmpty::kWorst;
  // The tolerance of nsd, in physical units. A distance that exceeds it by rounding alone, 4 units in the
  // last place, is within.
  double tolerance = 1;
  double percentile = 95;  // percentile of hd_percentile, 0 to 100
};

// The regions of label maps, each a set of classes.
struct SurfaceRegions {
  int64_t classes = 0;
  std::vector<std::vector<int64_t>> sets;
  std::vector<double> tolerances;  // one per region; if empty, the options' tolerance
  // The label of pixels that are removed from both maps: they are in no region, and no surface exists where a
  // region meets only such pixels. A surface pixel has a neighbour that is neither in the region nor ignored,
  // or that is outside the image; around a corner with a surface element are pixels inside and outside of the
  // region, not counting ignored ones (its code takes them for outside).
  std::optional<int64_t> ignore;
};

struct SurfaceMeasures {
  double hd;             // Hausdorff distance
  double hd95;           // 95th percentile of the Hausdorff distance
  double hd_percentile;  // the options' percentile of the Hausdorff distance
  double assd;           // average symmetric surface distance: the mean over both surfaces' elements
  double nsd;     // normalised surface Dice: the share of both surfaces within `tolerance` of the other
  double a_to_b;  // mean distance of a's surface to b's
  double b_to_a;
};

namespace cpu {

// Computes surface distances between the masks a and b of each image, in physical units. O(pixels of the box
// around both).
void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out);
// Computes surface distances between the regions of two label maps, predicted (a) and true: out is [image,
// region]. A label that is neither a class nor `ignore` is an error, as is a predicted one unless the true
// label there is `ignore`.
void LabelSurfaceDistances(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                           const SurfaceRegions& regions, const SurfaceOptions& options,
                           std::span<SurfaceMeasures> out);
// Computes the same between maps whose labels were checked before.
void CheckedSurfaceDistances(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                             const SurfaceRegions& regions, const SurfaceOptions& options,
                             std::span<SurfaceMeasures> out);

}  // namespace cpu

namespace cuda {

// Equals cpu:: bit for bit if pixels have equal sides; otherwise squared distances, doubles, may differ in
// their last bit.
void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out);
void LabelSurfaceDistances(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                           const SurfaceRegions& regions, const SurfaceOptions& options,
                           std::span<SurfaceMeasures> out);

}  // namespace cuda
}  // namespace pixelcal
