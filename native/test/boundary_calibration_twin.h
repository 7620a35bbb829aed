#pragma once

// The slow twin of cpu::BoundaryCalibration: every pair of pixels.

#include <cmath>
#include <limits>
#include <vector>

#include "calibration/boundary_calibration.h"
#include "probability_case.h"
#include "reference.h"

namespace pixelcal::test {

struct RingSums {
  std::vector<double> count, confidence, accuracy, log_loss, impossible;
  RingSums(int64_t rings, int64_t bins)
      : count(rings * bins), confidence(count), accuracy(count), log_loss(rings), impossible(rings) {}
  BoundaryCalibrationSums Spans() { return {count, confidence, accuracy, log_loss, impossible}; }
  bool operator==(const RingSums&) const = default;
};

inline int64_t RingCount(const BoundaryCalibrationOptions& options, int64_t classes) {
  const bool all = options.score == Score::kClasses && options.only < 0;
  return (all ? classes : 1) * (std::ssize(options.rings) + 1);
}

inline RingSums RingTwin(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options) {
  const int64_t bins = options.bins, classes = maps.classes, pixels = maps.pixels;
  const int64_t rings = std::ssize(options.rings) + 1;
  RingSums sums(RingCount(options, classes), bins);
  const auto labels = std::get<std::span<const int32_t>>(maps.labels);
  const auto dhw = grid.DepthHeightWidth();
  const auto spacing = reference::RightAligned(grid, options.spacing);
  const auto prob = [&](int64_t pixel, int64_t c) {
    const int64_t at = (pixel / pixels * classes + c) * pixels + pixel % pixels;
    if (const auto* wide = std::get_if<std::span<const float>>(&maps.probs)) return (*wide)[at];
    return FromHalf(std::get<std::span<const uint16_t>>(maps.probs)[at]);
  };
  const auto counts = [&](int64_t pixel) {
    return labels[pixel] != *maps.ignore && (maps.mask.empty() || maps.mask[pixel]);
  };
  const auto winner = [&](int64_t pixel) {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c)
      if (prob(pixel, c) > prob(pixel, best)) best = c;
    return best;
  };
  const auto segment = [&](int64_t pixel) {
    return options.label_boundary ? static_cast<int64_t>(labels[pixel]) : winner(pixel);
  };
  const auto unit = [](double value) { return std::nearbyint(value * 0x1p40) * 0x1p-40; };
  for (int64_t i = 0; i < maps.batch * pixels; ++i) {
    if (!counts(i)) continue;
    for (int64_t group = 0; group < RingCount(options, classes) / rings; ++group) {
      const int64_t c = options.only < 0 ? group : options.only;
      const auto inside = [&](int64_t pixel) {
        return options.score == Score::kClasses ? segment(pixel) == c : segment(pixel) != 0;
      };
      const auto other_side = [&](int64_t pixel) {
        return options.score == Score::kTopLabel ? segment(pixel) != segment(i) : inside(pixel) != inside(i);
      };
      double distance = std::numeric_limits<double>::infinity();
      const auto a = reference::At(dhw, i % pixels);
      for (int64_t j = i / pixels * pixels; j < (i / pixels + 1) * pixels; ++j) {
        if (!counts(j) || !other_side(j)) continue;
        const auto b = reference::At(dhw, j % pixels);
        const double dz = static_cast<double>(a.z - b.z) * spacing[0];
        const double dy = static_cast<double>(a.y - b.y) * spacing[1];
        const double dx = static_cast<double>(a.x - b.x) * spacing[2];
        distance = std::min(distance, std::sqrt(dz * dz + dy * dy + dx * dx));
      }
      int64_t ring = 0;
      for (const double edge : options.rings) {
        const auto limit = static_cast<float>(edge), found = static_cast<float>(distance);
        const bool beyond = edge < 0 ? (inside(i) ? -found : found) >= limit : !inside(i) && found > limit;
        ring += beyond;
      }
      float p = prob(i, c);
      bool hit = labels[i] == c;
      double q = hit ? p : 1.0 - p;
      if (options.score == Score::kForeground) {
        hit = labels[i] != 0;
        q = hit ? 1.0 - prob(i, 0) : prob(i, 0);
        p = 1 - prob(i, 0);
      } else if (options.score == Score::kTopLabel) {
        hit = labels[i] == winner(i);
        q = prob(i, labels[i]);
        p = prob(i, winner(i));
      }
      int64_t bin = 0;
      while (bin + 1 < bins && (options.closed == BinEdges::kRightClosed ? p > options.edges[bin + 1]
                                                                         : p >= options.edges[bin + 1]))
        ++bin;
      const int64_t to = group * rings + ring;
      sums.count[to * bins + bin] += 1;
      sums.confidence[to * bins + bin] += unit(p);
      sums.accuracy[to * bins + bin] += hit;
      sums.log_loss[to] += q > 0 ? unit(-std::log(q)) : 0;
      sums.impossible[to] += q > 0 ? 0 : 1;
    }
  }
  return sums;
}

// Compares counts and sums of p exactly, log losses to a unit per pixel.
inline bool SameRings(const RingSums& sums, const RingSums& expected, int64_t pixels) {
  for (size_t i = 0; i < sums.log_loss.size(); ++i)
    if (!(std::abs(sums.log_loss[i] - expected.log_loss[i]) <= 0x1p-40 * static_cast<double>(pixels)))
      return false;
  return sums.count == expected.count && sums.confidence == expected.confidence &&
         sums.accuracy == expected.accuracy && sums.impossible == expected.impossible;
}

}  // namespace pixelcal::test
