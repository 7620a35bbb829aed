#pragma once

#include "cuda/stream.h"
#include "morphology/morphology.h"

namespace pixelcal::cuda {

// Applies morphology to `grid.batch` masks on the device.
void Morphologies(Stream& stream, const uint8_t* masks, const Grid& grid, const MorphologyOptions& options,
                  uint8_t* out);

}  // namespace pixelcal::cuda
