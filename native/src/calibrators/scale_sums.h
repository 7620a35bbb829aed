#pragma once

#include <cstdint>
#include <span>

#include "calibrators/fit_pixels.h"

namespace pixelcal::cpu {

// The numbers per cell of ScaleSums.
inline constexpr int64_t kScaleSums = 5;

// Sums the loss -ln softmax(a z)[label] and its derivatives by the scales a: pixel i has the scale a =
// (1 - t) scales[k] + t scales[k + 1] with cell k and fraction t. sums [cells, 5] per cell k: the weight, the
// loss, the gradient, the Hessian's diagonal, and its element (k, k + 1). Weights and losses count to the
// pixel's cell. All scales must be positive. O(classes x pixels), in double.
void ScaleSums(const FitPixels& pixels, std::span<const double> scales, std::span<double> sums);

}  // namespace pixelcal::cpu
