#pragma once

#include "cuda/stream.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal::cuda {

// Soft targets of `grid.batch` label maps given as codes; `image` is null where the aggregation does not read
// it.
void SoftTargets(Stream& stream, const int16_t* codes, const float* image, const Grid& grid,
                 const SoftLabelOptions& options, float* out);

}  // namespace pixelcal::cuda
