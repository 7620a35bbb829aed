#pragma once

// The slow twin of cpu::CalibrationBins.

#include <cmath>
#include <cstdint>
#include <vector>

#include "calibration/calibration.h"
#include "probability_case.h"

namespace pixelcal::test {

inline std::vector<double> Linspace(int bins) {
  std::vector<double> edges;
  for (int i = 0; i < bins; ++i) edges.push_back(i * (1.0 / bins));
  edges.push_back(1);
  return edges;
}

struct Sums {
  std::vector<double> total, dropped, count, confidence, accuracy, false_positive, squares;
  Sums(int64_t groups, int64_t bins, bool with_squares = false)
      : total(groups),
        dropped(groups),
        count(groups * bins),
        confidence(count),
        accuracy(count),
        false_positive(count),
        squares(with_squares ? groups * bins : 0) {}
  CalibrationSums Spans() { return {total, dropped, count, confidence, accuracy, false_positive, squares}; }
  bool operator==(const Sums&) const = default;
};

inline Sums Bins(const ProbabilityMaps& maps, const CalibrationOptions& options) {
  Sums sums(cpu::CalibrationGroups(options.score, maps.classes), options.bins, options.squares);
  const CalibrationSums spans = sums.Spans();
  cpu::CalibrationBins(maps, {&options, 1}, {&spans, 1});
  return sums;
}

// Compares every pixel with both edges of every group and bin in double. Without weights the sums of p are
// whole multiples of 2^-40 and small enough to be exact doubles.
inline Sums Twin(const ProbabilityMaps& maps, const CalibrationOptions& options) {
  const int64_t bins = options.bins, groups = cpu::CalibrationGroups(options.score, maps.classes);
  Sums sums(groups, bins, options.squares);
  const auto labels = std::get<std::span<const int32_t>>(maps.labels);
  const auto prob = [&](int64_t at) {
    if (const auto* wide = std::get_if<std::span<const float>>(&maps.probs)) return (*wide)[at];
    return FromHalf(std::get<std::span<const uint16_t>>(maps.probs)[at]);
  };
  for (int64_t pixel = 0; pixel < maps.batch * maps.pixels; ++pixel) {
    if (labels[pixel] == *maps.ignore || (!maps.mask.empty() && !maps.mask[pixel])) continue;
    const int64_t at = pixel / maps.pixels * maps.classes * maps.pixels + pixel % maps.pixels;
    const double weight = maps.weights.empty() ? 1 : maps.weights[pixel];
    for (int64_t group = 0; group < groups; ++group) {
      float p = prob(at + group * maps.pixels);
      bool hit = labels[pixel] == group;
      if (options.score == Score::kForeground) {
        p = 1 - p;
        hit = labels[pixel] != 0;
      }
      if (options.score == Score::kTopLabel) {
        int64_t best = 0;
        for (int64_t c = 1; c < maps.classes; ++c)
          if (prob(at + c * maps.pixels) > prob(at + best * maps.pixels)) best = c;
        p = prob(at + best * maps.pixels);
        hit = labels[pixel] == best;
      }
      if (!(p > options.threshold)) continue;
      sums.total[group] += weight;
      bool binned = false;
      const double term =
          maps.weights.empty() ? std::nearbyint(static_cast<double>(p) * 0x1p40) * 0x1p-40 : weight * p;
      for (int64_t bin = 0; bin < bins; ++bin) {
        const double* edge =
            options.edges.data() + (std::ssize(options.edges) > bins + 1 ? group * (bins + 1) : 0) + bin;
        const double low = edge[0], high = edge[1];
        const bool in = options.closed == BinEdges::kRightClosed
                            ? (p > low || (options.include_lowest && bin == 0 && p == 0)) && p <= high
                            : p >= low && (p < high || (bin == bins - 1 && p <= high));
        if (!in) continue;
        binned = true;
        const int64_t to = group * bins + bin;
        sums.count[to] += weight;
        sums.confidence[to] += term;
        sums.accuracy[to] += weight * hit;
        sums.false_positive[to] += hit ? 0.0 : term;
        if (options.squares) sums.squares[to] += static_cast<double>(static_cast<float>(weight) * p) * p;
      }
      sums.dropped[group] += binned ? 0 : weight;
    }
  }
  return sums;
}

// Compares counts exactly, and without weights sums of p too; squares to rounding.
inline bool SameSums(Sums sums, const Sums& expected, const ProbabilityMaps& maps) {
  if (!Close(sums.squares, expected.squares)) return false;
  sums.squares = expected.squares;
  if (maps.weights.empty()) return sums == expected;
  return sums.total == expected.total && sums.dropped == expected.dropped && sums.count == expected.count &&
         sums.accuracy == expected.accuracy && Close(sums.confidence, expected.confidence) &&
         Close(sums.false_positive, expected.false_positive);
}

}  // namespace pixelcal::test
