// From squared distances to measures. In pixels of equal sides distances are roots of integers: counts of
// each integer give sums and exact percentiles without sorting, O(elements + largest square). Else, and for
// weighted elements, percentiles come by selection, O(elements), or sorting, O(elements log elements).
#include "kernels/surface_measures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/surface_elements.h"
#include "kernels/surface_statistics.h"
#include "scratch.h"

namespace pixelcal {
namespace {

// Whether counts of 32 bits hold the elements of a surface.
template <class T>
bool FewEnough(const SurfaceSquares<T>& from) {
  return from.squares.size() <= std::numeric_limits<uint32_t>::max();
}

template <class T>
std::span<SurfaceElement> MakeElements(const SurfaceSquares<T>& from, double side,
                                       std::span<const double> weights, SurfaceElement* elements) {
  for (size_t i = 0; i < from.squares.size(); ++i)
    elements[i] = {side * std::sqrt(static_cast<double>(from.squares[i])), 1};
  if (!weights.empty())
    for (size_t i = 0; i < from.squares.size(); ++i) elements[i].weight = weights[from.codes[i]];
  return {elements, from.squares.size()};
}

SurfaceMeasures Measures(const SurfaceSums& a, const SurfaceSums& b, double hd95) {
  return {std::max(a.farthest, b.farthest),
          hd95,
          (a.distance + b.distance) / (a.weight + b.weight),
          (a.within + b.within) / (a.weight + b.weight),
          a.distance / a.weight,
          b.distance / b.weight};
}

SurfaceMeasures OfCounts(std::span<const int32_t> a_to_b, std::span<const int32_t> b_to_a, double side,
                         int32_t farthest, const SurfaceOptions& options) {
  const auto sizes = static_cast<size_t>(farthest) + 1;
  const SquareCounts a({Scratch<uint32_t, 10>(sizes), sizes}, a_to_b, side);
  const SquareCounts b({Scratch<uint32_t, 11>(sizes), sizes}, b_to_a, side);
  return Measures(a.Sum(options.tolerance), b.Sum(options.tolerance),
                  options.convention == SurfaceConvention::kReference
                      ? a.Pooled95(b).LinearInFloat()
                      : std::max(a.Percentile95().Linear(), b.Percentile95().Linear()));
}

template <class T>
SurfaceMeasures OfElements(const SurfaceSquares<T>& of_a, const SurfaceSquares<T>& of_b, double side,
                           std::span<const double> weights, const SurfaceOptions& options) {
  // Side by side, so that both are pooled as they are.
  auto* memory = Scratch<SurfaceElement, 0>(of_a.squares.size() + of_b.squares.size());
  const auto a = MakeElements(of_a, side, weights, memory);
  const auto b = MakeElements(of_b, side, weights, memory + a.size());
  const SurfaceSums sum_a = Sum(a, options.tolerance), sum_b = Sum(b, options.tolerance);
  const auto percentile = [&](const SurfaceSquares<T>& from, std::span<SurfaceElement> elements) {
    if constexpr (std::is_same_v<T, int32_t>) {
      const int32_t farthest = *std::max_element(from.squares.begin(), from.squares.end());
      if (FewEnough(from) && (farthest + size_t{1}) * weights.size() <= 64 * from.squares.size() + 65536)
        return WeightedPercentile95(from.squares, from.codes, weights, farthest, side);
    }
    return WeightedPercentile95(elements);
  };
  switch (options.convention) {
    case SurfaceConvention::kReference:
      return Measures(sum_a, sum_b, Percentile95({memory, a.size() + b.size()}).LinearInFloat());
    case SurfaceConvention::kMonai:
      return Measures(sum_a, sum_b, std::max(Percentile95(a).Linear(), Percentile95(b).Linear()));
    case SurfaceConvention::kDeepMind:
      return Measures(sum_a, sum_b, std::max(percentile(of_a, a), percentile(of_b, b)));
  }
  return {};
}

}  // namespace

double CommonSide(const Grid& grid, const std::array<double, 3>& spacing) {
  double side = 0;
  for (int axis = 0; axis < grid.rank; ++axis) {
    if (grid.size[axis] == 1) continue;
    if (side != 0 && side != spacing[axis]) return 0;
    side = spacing[axis];
  }
  return side == 0 ? 1 : side;
}

SurfaceMeasures MeasuresWhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options) {
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

template <class T>
SurfaceMeasures MeasureSquares(const SurfaceSquares<T>& a, const SurfaceSquares<T>& b, double side,
                               std::span<const double> weights, const SurfaceOptions& options) {
  if constexpr (std::is_same_v<T, int32_t>) {
    const int32_t farthest = std::max(*std::max_element(a.squares.begin(), a.squares.end()),
                                      *std::max_element(b.squares.begin(), b.squares.end()));
    // Few surface pixels far apart would leave most counts empty.
    const auto elements = static_cast<int64_t>(a.squares.size() + b.squares.size());
    if (weights.empty() && FewEnough(a) && FewEnough(b) && farthest <= 16 * elements + 4096)
      return OfCounts(a.squares, b.squares, side, farthest, options);
  }
  return OfElements(a, b, side, weights, options);
}

template SurfaceMeasures MeasureSquares(const SurfaceSquares<int32_t>&, const SurfaceSquares<int32_t>&,
                                        double, std::span<const double>, const SurfaceOptions&);
template SurfaceMeasures MeasureSquares(const SurfaceSquares<float>&, const SurfaceSquares<float>&, double,
                                        std::span<const double>, const SurfaceOptions&);

std::vector<double> CheckSurfaces(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                                  const SurfaceOptions& options, std::span<const SurfaceMeasures> out) {
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
  if (options.convention != SurfaceConvention::kDeepMind) return {};
  return SurfaceElementSizes(grid.rank, options.spacing);
}

}  // namespace pixelcal
