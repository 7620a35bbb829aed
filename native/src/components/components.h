#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/shape.h"
#include "base/span.h"
#include "surface/surface_distance.h"

namespace pixelcal {

// The regions of two label maps whose connected components are compared.
struct LesionOptions {
  int64_t classes = 0;
  std::vector<std::vector<int64_t>> regions;  // each a set of classes
  std::optional<int64_t> ignore;              // pixels with this label are in no region
  int connectivity = 3;                       // the most axes along which neighbours differ
  // True components that touch when grown this many times (components/runs.h) are one lesion.
  int64_t grow = 0;
  int64_t bins = 10;  // of the calibration inside, for kRightClosed bins of equal width
  bool components = true, centerlines = false;  // which of a table's parts are wanted
  // Given: the distances between every true lesion and all predicted ones that touch it are wanted.
  std::optional<SurfaceOptions> touching;
  bool checked = false;  // whether all labels are known to be classes or, true ones, `ignore`
};

// The pixels of the centrelines of a region, and those of them that the other map has in the region.
struct CenterlineCounts {
  int64_t predicted = 0, predicted_shared = 0, truth = 0, truth_shared = 0;
};

// A component, or several that count as one lesion.
struct Lesion {
  int64_t size = 0;                  // pixels
  std::array<double, 3> centroid{};  // mean depth, height and width index of its pixels
  int64_t hits = 0;                  // pixels that are in the region in both maps
  double confidence = 0;             // sum of the region's probability; 0 without probabilities
};

// A predicted component and a true lesion that share pixels, or do once the lesion is grown.
struct LesionPair {
  int32_t predicted, truth;
  int64_t shared;  // pixels
};

// The lesions of a region of one image.
struct LesionTable {
  std::vector<Lesion> predicted, truth;
  std::vector<LesionPair> pairs;  // by truth, then predicted
  // The bins inside of predicted lesions; empty without probabilities.
  std::vector<double> count, confidence, accuracy;
  // The 95th percentile of the Hausdorff distance of every true lesion; infinite where none touches it.
  std::vector<double> touching;
  CenterlineCounts centerline;
};

// The predicted components and true lesions whose unions are to be compared.
struct LesionGroup {
  std::vector<int32_t> predicted, truth;
};

namespace cpu {

// Numbers the connected components of each image from 1 by their first pixel, background 0: as
// scipy.ndimage.label. Writes the number of components per image.
void ConnectedComponents(std::span<const uint8_t> mask, const Grid& grid, int connectivity,
                         std::span<int32_t> out, std::span<double> counts);

// Finds the lesions of every image and region, [image, region]. `probs` [batch, classes, pixels] may be
// empty; a region's probability is the sum over its classes, at most 1.
std::vector<LesionTable> FindLesions(const LabelSpan& predicted, const LabelSpan& labels,
                                     const FloatSpan& probs, const Grid& grid, const LesionOptions& options);

// Measures the surfaces of groups of lesions, groups[image * regions + region], one after the other.
std::vector<SurfaceMeasures> LesionSurfaces(const LabelSpan& predicted, const LabelSpan& labels,
                                            const Grid& grid, const LesionOptions& options,
                                            std::span<const std::vector<LesionGroup>> groups,
                                            const SurfaceOptions& surfaces);

}  // namespace cpu
}  // namespace pixelcal
