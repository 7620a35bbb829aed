#pragma once

#include "cuda/stream.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal::cuda {

// Computes soft targets of `grid.batch` label maps given as codes; `image` is null if the aggregation does
// not read it.
void SoftTargets(Stream& stream, const int16_t* codes, const float* image, const Grid& grid,
                 const SoftLabelOptions& options, float* out);

}  // namespace pixelcal::cuda
