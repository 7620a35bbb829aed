#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "calibrators/fit_pixels.h"

namespace pixelcal {

// The levels of log-odds x = ln(p / (1 - p)): level floor((x + 16) 128), from 0 to 4095.
inline constexpr int64_t kLevels = 4096;
inline constexpr double kLogOddsLimit = 16;

inline int64_t LogOddsLevel(double x) {
  return static_cast<int64_t>(std::clamp(std::floor((x + kLogOddsLimit) * (kLevels / (2 * kLogOddsLimit))),
                                         0.0, static_cast<double>(kLevels - 1)));
}

// Returns ln(p_c / (1 - p_c)) clipped to +-16 for values at p[c * row]: 1 - p_c is the sum of the others,
// which does not cancel where p_c is almost 1.
inline double ClippedLogOdds(const double* p, int64_t row, int64_t classes, int64_t c) {
  double others = 1 - p[c * row];
  if (others < 0.5) {
    others = 0;
    for (int64_t j = 0; j < classes; ++j)
      if (j != c) others += p[j * row];
  }
  const double odds = p[c * row] / others;
  return std::clamp(std::log(odds), -kLogOddsLimit, kLogOddsLimit);
}

namespace cpu {

// Sums over the pixels, for every class and level of its probability softmax(z)_c: weight, weight of the
// pixels of the class, and weight times log-odds: sums [classes, kLevels, 3].
void LevelSums(const FitPixels& pixels, std::span<double> sums);

}  // namespace cpu
}  // namespace pixelcal
