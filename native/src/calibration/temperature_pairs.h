#pragma once

#include "calibration/temperature.h"

namespace pixelcal::cpu {

// The least number of pixels from which the sums over bins cost less than those over pixels.
inline constexpr int64_t kPairPixels = 16384;

// Computes what Temperatures does for two classes, whose pixels differ in ln(p / p') and the label alone:
// moments in 64 bins an octave of it, then five weighted points a bin, which agree to 1e-11 of a pixel.
TemperatureSums PairTemperatures(const ProbabilityMaps& maps, bool checked);

}  // namespace pixelcal::cpu
