// Both masks are cropped to the box around them; the distance of every surface element to the other surface
// is read from the exact distance transform of that surface. Percentiles by selection, weighted ones by
// sorting.
#include "kernels/surface_distance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/grid_distance.h"
#include "kernels/surface.h"
#include "kernels/surface_elements.h"
#include "parallel.h"

namespace pixelcal {
namespace {

struct Element {
  double distance;
  double weight;
};

// Each element of `from` with its distance to the nearest element of `to`.
std::vector<Element> DistancesBetween(const Surface& from, const Surface& to, int rank,
                                      const std::array<double, 3>& spacing, std::span<const double> weights,
                                      std::vector<float>& squares) {
  const Dhw& s = from.size;
  const Grid grid = MakeGrid(1, std::span<const int64_t>(s).subspan(static_cast<size_t>(3 - rank)));
  const internal::GridDistance transform(grid, spacing);
  squares.resize(from.code.size());
  internal::Distances(transform, {to.code.data(), 0, false}, internal::Form::kSquare, squares.data());
  std::vector<Element> elements;
  for (size_t i = 0; i < from.code.size(); ++i) {
    if (from.code[i] == 0) continue;
    elements.push_back(
        {std::sqrt(static_cast<double>(squares[i])), weights.empty() ? 1.0 : weights[from.code[i]]});
  }
  return elements;
}

// Linear interpolation between order statistics, as numpy.percentile and torch.quantile.
std::pair<double, double> Neighbours(std::vector<double>& values, double quantile, double* fraction) {
  const double place = static_cast<double>(values.size() - 1) * quantile;
  const auto below = static_cast<size_t>(place);
  *fraction = place - static_cast<double>(below);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), at, values.end());
  const double low = *at;
  return {low, below + 1 < values.size() ? *std::min_element(at + 1, values.end()) : low};
}

double Percentile95(const std::vector<Element>& elements) {
  std::vector<double> values(elements.size());
  std::transform(elements.begin(), elements.end(), values.begin(),
                 [](const Element& e) { return e.distance; });
  double fraction;
  const auto [low, high] = Neighbours(values, 0.95, &fraction);
  return low + (high - low) * fraction;
}

// numpy.percentile of a float32 array, rounding as NumPy 2 does.
double PooledPercentile95(const std::vector<Element>& a, const std::vector<Element>& b) {
  std::vector<double> values;
  values.reserve(a.size() + b.size());
  for (const Element& e : a) values.push_back(static_cast<float>(e.distance));
  for (const Element& e : b) values.push_back(static_cast<float>(e.distance));
  double fraction;
  const auto neighbours = Neighbours(values, 0.95, &fraction);
  const auto low = static_cast<float>(neighbours.first), high = static_cast<float>(neighbours.second);
  const float step = high - low;
  return fraction >= 0.5 ? high - step * static_cast<float>(1 - fraction)
                         : low + step * static_cast<float>(fraction);
}

// The first distance at which 95 % of the surface's length or area is covered.
double WeightedPercentile95(std::vector<Element> elements) {
  std::sort(elements.begin(), elements.end(), [](const Element& a, const Element& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.weight < b.weight;
  });
  double total = 0, covered = 0;
  for (const Element& e : elements) total += e.weight;
  for (const Element& e : elements) {
    covered += e.weight;
    if (covered / total >= 0.95) return e.distance;
  }
  return elements.back().distance;
}

struct Sums {
  double weight = 0, distance = 0, within = 0, farthest = 0;
};

Sums Sum(const std::vector<Element>& elements, double tolerance) {
  Sums sums;
  for (const Element& e : elements) {
    sums.weight += e.weight;
    sums.distance += e.weight * e.distance;
    if (e.distance <= tolerance) sums.within += e.weight;
    sums.farthest = std::max(sums.farthest, e.distance);
  }
  return sums;
}

SurfaceMeasures WhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options) {
  double distance = std::numeric_limits<double>::quiet_NaN(), nsd = distance;
  if (options.empty != EmptyMask::kNan) {
    nsd = both ? 1 : 0;
    distance = both ? 0 : std::numeric_limits<double>::infinity();
    if (!both && options.empty == EmptyMask::kDiagonal) {
      double square = 0;
      for (int axis = 0; axis < grid.rank; ++axis)
        square += std::pow(static_cast<double>(grid.size[axis]) * options.spacing[axis], 2);
      distance = std::sqrt(square);
    }
  }
  return {distance, distance, distance, nsd, distance, distance};
}

SurfaceMeasures Measure(const uint8_t* a, const uint8_t* b, const Grid& grid, const SurfaceOptions& options,
                        std::span<const double> weights) {
  const Dhw dhw = grid.DepthHeightWidth();
  bool any_a, any_b;
  const Box box = BoundingBox(a, b, dhw, &any_a, &any_b);
  if (!any_a || !any_b) return WhenEmpty(!any_a && !any_b, grid, options);

  const auto surface_of = [&](const uint8_t* mask) {
    return options.convention == SurfaceConvention::kDeepMind
               ? SurfaceCorners(mask, dhw, box, grid.rank)
               : SurfacePixels(mask, dhw, box, grid.rank,
                               options.convention == SurfaceConvention::kReference);
  };
  const Surface of_a = surface_of(a), of_b = surface_of(b);
  std::vector<float> squares;
  const auto a_to_b = DistancesBetween(of_a, of_b, grid.rank, options.spacing, weights, squares);
  const auto b_to_a = DistancesBetween(of_b, of_a, grid.rank, options.spacing, weights, squares);

  const Sums sa = Sum(a_to_b, options.tolerance), sb = Sum(b_to_a, options.tolerance);
  SurfaceMeasures measures;
  measures.hd = std::max(sa.farthest, sb.farthest);
  measures.assd = (sa.distance + sb.distance) / (sa.weight + sb.weight);
  measures.nsd = (sa.within + sb.within) / (sa.weight + sb.weight);
  measures.a_to_b = sa.distance / sa.weight;
  measures.b_to_a = sb.distance / sb.weight;
  switch (options.convention) {
    case SurfaceConvention::kReference:
      measures.hd95 = PooledPercentile95(a_to_b, b_to_a);
      break;
    case SurfaceConvention::kMonai:
      measures.hd95 = std::max(Percentile95(a_to_b), Percentile95(b_to_a));
      break;
    case SurfaceConvention::kDeepMind:
      measures.hd95 = std::max(WeightedPercentile95(a_to_b), WeightedPercentile95(b_to_a));
      break;
  }
  return measures;
}

}  // namespace

namespace cpu {

void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out) {
  const auto count = static_cast<size_t>(grid.Count());
  Require(a.size() == count, "a: expected ", count, " elements, got ", a.size());
  Require(b.size() == count, "b: expected ", count, " elements, got ", b.size());
  Require(out.size() == static_cast<size_t>(grid.batch), "out: expected ", grid.batch, " results, got ",
          out.size());
  Require(options.tolerance >= 0, "tolerance: expected at least 0, got ", options.tolerance);
  for (int axis = 0; axis < grid.rank; ++axis) {
    Require(options.spacing[axis] > 0 && std::isfinite(options.spacing[axis]),
            "spacing: expected positive finite numbers, got ", options.spacing[axis]);
  }
  std::vector<double> weights;
  if (options.convention == SurfaceConvention::kDeepMind)
    weights = SurfaceElementSizes(grid.rank, options.spacing);
  ParallelFor(grid.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      const int64_t at = image * grid.Pixels();
      out[static_cast<size_t>(image)] = Measure(a.data() + at, b.data() + at, grid, options, weights);
    }
  });
}

}  // namespace cpu
}  // namespace pixelcal
