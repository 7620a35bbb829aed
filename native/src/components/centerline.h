#pragma once

#include <vector>

#include "components/components.h"
#include "surface/surface.h"

namespace pixelcal {

// The pixels of the centrelines of a region, and those of them that the other map has in the region.
struct CenterlineCounts {
  int64_t predicted = 0, predicted_shared = 0, truth = 0, truth_shared = 0;
};

namespace cpu {

// Counts the centrelines of every image and region, [image, region]: the skeleton of Shit et al., "clDice"
// (CVPR 2021), on masks, with as many iterations as the mask has layers. Erosion is by the pixels that share
// a face, dilation by all 3^d; outside of the image nothing is eroded and nothing dilated.
std::vector<CenterlineCounts> Centerlines(const LabelSpan& predicted, const LabelSpan& labels,
                                          const Grid& grid, const LesionOptions& options);

}  // namespace cpu

namespace internal {

// Returns the skeleton of a packed mask: what opening removes from each of its erosions.
std::vector<uint64_t> Skeleton(const uint64_t* mask, const Dhw& dhw);

}  // namespace internal
}  // namespace pixelcal
