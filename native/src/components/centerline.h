#pragma once

#include <vector>

#include "components/components.h"
#include "surface/region_masks.h"

namespace pixelcal {

namespace cpu {

// Counts the centrelines of every image and region, [image, region]: the skeleton of Shit et al., "clDice"
// (CVPR 2021), on masks, with as many iterations as the mask has layers. Erosion is by the pixels that share
// a face, dilation by all 3^d; outside of the image nothing is eroded and nothing dilated.
std::vector<CenterlineCounts> Centerlines(const LabelSpan& predicted, const LabelSpan& labels,
                                          const Grid& grid, const LesionOptions& options);

// Counts the centrelines of one region.
CenterlineCounts CenterlinesOf(const RegionMasks& masks, const Dhw& dhw);

}  // namespace cpu

namespace internal {

// Returns the skeleton of a packed mask: what opening removes from each of its erosions.
std::vector<uint64_t> Skeleton(const uint64_t* mask, const Dhw& dhw);

}  // namespace internal
}  // namespace pixelcal
