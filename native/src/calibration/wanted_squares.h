#pragma once

#include <span>
#include <vector>

#include "calibration/calibration.h"

namespace pixelcal::internal {

// The histograms of which sums of p^2 are wanted, and where those go.
struct Squares {
  std::vector<CalibrationOptions> options;
  std::vector<std::span<double>> to;
};

inline Squares WantedSquares(std::span<const CalibrationOptions> options,
                             std::span<const CalibrationSums> sums) {
  Squares wanted;
  for (size_t h = 0; h < options.size(); ++h) {
    if (!options[h].squares) continue;
    wanted.options.push_back(options[h]);
    wanted.to.push_back(sums[h].squares);
  }
  return wanted;
}

}  // namespace pixelcal::internal
