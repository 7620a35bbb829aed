#pragma once

#include "cuda/stream.h"
#include "distance/signed_distance.h"

namespace pixelcal::cuda {

// Computes signed distances of `grid.batch` label maps, given as codes, to every class: [batch, classes,
// ...size].
void SignedDistances(Stream& stream, const int16_t* codes, const Grid& grid,
                     const SignedDistanceOptions& options, float* out);

}  // namespace pixelcal::cuda
