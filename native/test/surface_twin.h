#pragma once

// Surface distances by comparing every element of one surface with every element of the other, and
// percentiles by sorting.

#include <numeric>

#include "reference.h"
#include "surface/surface_distance.h"
#include "surface/surface_elements.h"

namespace pixelcal::reference {

struct Elements {
  std::vector<Pixel> places;
  std::vector<double> weights;
};

// Visits every window of 2^rank pixels.
inline Elements Corners(const uint8_t* mask, const uint8_t* ignored, const Grid& grid,
                        const std::vector<double>& sizes) {
  const auto dhw = grid.DepthHeightWidth();
  const int64_t deep = grid.rank == 3;
  Elements corners;
  for (int64_t z = -deep; z < dhw[0]; ++z)
    for (int64_t y = -1; y < dhw[1]; ++y)
      for (int64_t x = -1; x < dhw[2]; ++x) {
        size_t code = 0;
        int inside = 0, outside = 0;
        for (int64_t dz = 0; dz <= deep; ++dz)
          for (int64_t dy = 0; dy <= 1; ++dy)
            for (int64_t dx = 0; dx <= 1; ++dx) {
              const bool in = Value(mask, dhw, z + dz, y + dy, x + dx) != 0;
              code = 2 * code + in;
              if (ignored && Value(ignored, dhw, z + dz, y + dy, x + dx) != 0) continue;
              ++(in ? inside : outside);
            }
        if (inside == 0 || outside == 0) continue;
        corners.places.push_back({z, y, x});
        corners.weights.push_back(sizes[code]);
      }
  return corners;
}

inline double WeightedQuantile(const std::vector<double>& distances, const std::vector<double>& weights,
                               double q) {
  std::vector<size_t> order(distances.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return distances[i] < distances[j]; });
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double covered = 0;
  for (const size_t i : order)
    if ((covered += weights[i]) >= q * total) return distances[i];
  return distances[order.back()];
}

inline SurfaceMeasures WhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options) {
  double distance = std::numeric_limits<double>::quiet_NaN(), nsd = distance;
  if (both ? options.both_empty == BothEmpty::kPerfect : options.one_empty != OneEmpty::kUndefined) {
    nsd = both ? 1 : 0;
    distance = both ? 0 : std::numeric_limits<double>::infinity();
    if (!both && options.one_empty == OneEmpty::kDiagonal) {
      const auto n = grid.size;
      distance = std::hypot(static_cast<double>(n[0]) * options.spacing[0],
                            grid.rank > 1 ? static_cast<double>(n[1]) * options.spacing[1] : 0,
                            grid.rank > 2 ? static_cast<double>(n[2]) * options.spacing[2] : 0);
    }
  }
  return {distance, distance, distance, distance, nsd, distance, distance};
}

inline SurfaceMeasures Surfaces(const uint8_t* a, const uint8_t* b, const uint8_t* ignored, const Grid& grid,
                                const SurfaceOptions& options) {
  const bool corners = options.convention == SurfaceConvention::kDeepMind;
  const bool pooled = options.convention == SurfaceConvention::kReference;
  const auto elements_of = [&](const uint8_t* mask) -> Elements {
    if (corners) return Corners(mask, ignored, grid, SurfaceElementSizes(grid.rank, options.spacing));
    auto places = SurfacePixels(mask, grid, pooled, ignored);
    return {places, std::vector<double>(places.size(), 1.0)};
  };
  const Elements of_a = elements_of(a), of_b = elements_of(b);
  if (of_a.places.empty() || of_b.places.empty())
    return WhenEmpty(of_a.places.empty() && of_b.places.empty(), grid, options);
  const auto aligned = RightAligned(grid, options.spacing);
  const auto ab = Distances(of_a.places, of_b.places, aligned),
             ba = Distances(of_b.places, of_a.places, aligned);
  const auto sum = [&](const std::vector<double>& distances, const Elements& of, const auto& value) {
    double total = 0;
    for (size_t i = 0; i < distances.size(); ++i) total += of.weights[i] * value(distances[i]);
    return total;
  };
  const auto both = [&](const auto& value) { return sum(ab, of_a, value) + sum(ba, of_b, value); };
  const auto one = [](double) { return 1.0; };
  const auto self = [](double d) { return d; };
  const auto quantile = [&](double q) {
    if (corners)
      return std::max(WeightedQuantile(ab, of_a.weights, q), WeightedQuantile(ba, of_b.weights, q));
    if (!pooled) return std::max(Quantile(ab, q), Quantile(ba, q));
    auto all = ab;
    all.insert(all.end(), ba.begin(), ba.end());
    return Quantile(all, q);
  };
  return {std::max(*std::max_element(ab.begin(), ab.end()), *std::max_element(ba.begin(), ba.end())),
          quantile(0.95),
          quantile(options.percentile / 100),
          both(self) / both(one),
          both([&](double d) { return d <= options.tolerance ? 1.0 : 0.0; }) / both(one),
          sum(ab, of_a, self) / sum(ab, of_a, one),
          sum(ba, of_b, self) / sum(ba, of_b, one)};
}

}  // namespace pixelcal::reference
