#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "calibration/boundary_calibration.h"
#include "calibration/probability_block.h"

namespace pixelcal {
namespace internal {

int64_t BoundaryGroups(const BoundaryCalibrationOptions& options, int64_t classes) {
  return options.score == Score::kClasses && options.only < 0 ? classes : 1;
}

int64_t BoundarySegments(const BoundaryCalibrationOptions& options, int64_t classes) {
  const bool one_mask = options.score == Score::kForeground || options.only >= 0;
  return one_mask ? 2 : classes;
}

std::array<float, kMaxRings> RingLimits(std::span<const double> rings) {
  std::array<float, kMaxRings> limits{};
  std::transform(rings.begin(), rings.end(), limits.begin(), [](double edge) {
    const auto limit = static_cast<float>(edge);
    return edge < 0 ? std::nextafter(limit, -std::numeric_limits<float>::infinity()) : limit;
  });
  return limits;
}

void CheckBoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                              const BoundaryCalibrationOptions& options,
                              const BoundaryCalibrationSums& sums) {
  cpu::CheckMaps(maps);
  Require(maps.weights.empty(), "weights: not supported by boundary calibration");
  Require(grid.batch == maps.batch && grid.Pixels() == maps.pixels, "size: expected ", maps.batch, " x ",
          maps.pixels, " pixels, got ", grid.batch, " x ", grid.Pixels());
  Require(options.only < 0 || (options.score == Score::kClasses && options.only < maps.classes),
          "of: expected a class below ", maps.classes, ", got ", options.only);
  const int64_t bins = options.bins, rings = std::ssize(options.rings) + 1;
  Require(bins >= 1 && bins <= 1024, "bins: expected 1 to 1024, got ", bins);
  Require(std::ssize(options.edges) == bins + 1, "edges: expected ", bins + 1, " numbers, got ",
          options.edges.size());
  for (int64_t m = 0; m <= bins; ++m)
    Require(std::abs(options.edges[m] * static_cast<double>(bins) - static_cast<double>(m)) < 0.2,
            "edges: expected equal widths, got ", options.edges[m]);
  Require(rings <= kMaxRings, "rings: expected at most ", kMaxRings - 1, " distances, got ", rings - 1);
  for (int64_t r = 0; r + 1 < rings; ++r) {
    Require(std::isfinite(options.rings[r]), "rings: expected finite distances, got ", options.rings[r]);
    Require(r == 0 || options.rings[r] > options.rings[r - 1], "rings: expected increasing distances, got ",
            options.rings[r], " after ", r == 0 ? 0 : options.rings[r - 1]);
  }
  const int64_t cells = CheckedProduct(BoundaryGroups(options, maps.classes), rings);
  for (const std::span<double> sum : {sums.count, sums.confidence, sums.accuracy})
    Require(std::ssize(sum) == CheckedProduct(cells, bins), "sums: expected ", cells * bins, " values, got ",
            sum.size());
  for (const std::span<double> sum : {sums.log_loss, sums.impossible})
    Require(std::ssize(sum) == cells, "sums: expected ", cells, " values, got ", sum.size());
}

}  // namespace internal

}  // namespace pixelcal
