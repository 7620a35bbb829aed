#pragma once

#include <algorithm>
#include <span>

#include "calibration/temperature.h"

namespace pixelcal {

inline constexpr int64_t kTemperatureNumbers = 3 + 3 * kTemperaturePoints;

// Writes sums as JavaScript knows them: count, impossible pixels and loss, then the three derivatives.
inline void CopyTemperatures(const TemperatureSums& sums, std::span<double> out) {
  double* to = out.data();
  for (const double sum : {sums.count, sums.impossible, sums.loss}) *to++ = sum;
  for (const auto* part : {&sums.slope, &sums.curvature, &sums.third})
    to = std::copy(part->begin(), part->end(), to);
}

}  // namespace pixelcal
