#include "kernels/distance.h"

namespace pixelcal::cpu {

void DistanceTransform(std::span<const uint8_t> mask, const Grid& grid, const DistanceOptions&,
                       std::span<float> out) {
  Require(static_cast<int64_t>(mask.size()) == grid.Count(), "mask: expected ", grid.Count(),
          " elements, got ", mask.size());
  for (size_t i = 0; i < mask.size(); ++i) out[i] = mask[i] != 0;
}

}  // namespace pixelcal::cpu
