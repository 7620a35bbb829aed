#pragma once

#include <cstdint>
#include <span>

namespace pixelcal::cpu {

// The sums of a group's pixels by bin, and the number of its pixels.
struct SmoothErrorBins {
  std::span<const double> count, confidence, accuracy;
  double total = 0;
};

// Returns the smooth calibration error (Blasiok and Nakkiran, ICLR 2024), to 1e-7 of itself: the width s at
// which the integral over t in [0, 1] of |sum (y - p) K_s(t, p)| / n equals s, K_s the Gaussian that 0 and 1
// reflect, and all pixels of a bin at their mean p. Of more than 2048 bins, at most 4096, neighbours are
// taken together if their number is even. NaN without pixels.
double SmoothCalibrationError(const SmoothErrorBins& bins);

}  // namespace pixelcal::cpu
