// From squared distances to measures. For pixels with equal sides distances are roots of integers: counts of
// each integer give sums and exact percentiles without sorting, O(elements + largest square). Otherwise, and
// for weighted elements, percentiles come from selection, O(elements), or sorting, O(elements log elements).
#include "surface/surface_measures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/scratch.h"
#include "labels/bad_pixels.h"
#include "surface/surface_elements.h"
#include "surface/surface_statistics.h"

namespace pixelcal {
namespace {

struct Elements;  // scratch of a template

// Returns whether counts of 32 bits hold the elements of a surface.
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

// Computes the measures; percentile(percent) gives that of the Hausdorff distance.
template <class Percentiles>
SurfaceMeasures Measures(const SurfaceSums& a, const SurfaceSums& b, const SurfaceOptions& options,
                         const Percentiles& percentile) {
  const double hd95 = percentile(95.0);
  return {std::max(a.farthest, b.farthest),
          hd95,
          options.percentile == 95 ? hd95 : percentile(options.percentile),
          (a.distance + b.distance) / (a.weight + b.weight),
          (a.within + b.within) / (a.weight + b.weight),
          a.distance / a.weight,
          b.distance / b.weight};
}

SurfaceMeasures OfCounts(std::span<const int32_t> a_to_b, std::span<const int32_t> b_to_a, double side,
                         int32_t farthest, const SurfaceOptions& options) {
  const auto sizes = static_cast<size_t>(farthest) + 1;
  const SquareCounts a({Scratch<uint32_t, struct CountsAToB>(sizes), sizes}, a_to_b, side);
  const SquareCounts b({Scratch<uint32_t, struct CountsBToA>(sizes), sizes}, b_to_a, side);
  return Measures(a.Sum(options.tolerance), b.Sum(options.tolerance), options, [&](double percent) {
    return options.convention == SurfaceConvention::kReference
               ? a.Pooled(b, percent).LinearInFloat()
               : std::max(a.At(percent).Linear(), b.At(percent).Linear());
  });
}

template <class T>
SurfaceMeasures OfElements(const SurfaceSquares<T>& of_a, const SurfaceSquares<T>& of_b, double side,
                           std::span<const double> weights, const SurfaceOptions& options) {
  // The lists lie side by side, so that both are pooled in place.
  auto* memory = Scratch<SurfaceElement, Elements>(of_a.squares.size() + of_b.squares.size());
  const auto a = MakeElements(of_a, side, weights, memory);
  const auto b = MakeElements(of_b, side, weights, memory + a.size());
  const SurfaceSums sum_a = Sum(a, options.tolerance), sum_b = Sum(b, options.tolerance);
  const auto weighted = [&](const SurfaceSquares<T>& from, std::span<SurfaceElement> elements,
                            double percent) {
    if constexpr (std::is_same_v<T, int32_t>)
      return WeightedPercentile(from.squares, from.codes, weights, side, percent);
    return WeightedPercentile(elements, percent);
  };
  return Measures(sum_a, sum_b, options, [&](double percent) {
    switch (options.convention) {
      case SurfaceConvention::kReference:
        return PercentileOf({memory, a.size() + b.size()}, percent).LinearInFloat();
      case SurfaceConvention::kMonai:
        return std::max(PercentileOf(a, percent).Linear(), PercentileOf(b, percent).Linear());
      case SurfaceConvention::kDeepMind:
        break;
    }
    return std::max(weighted(of_a, a, percent), weighted(of_b, b, percent));
  });
}

void CheckMeasure(const Grid& grid, const SurfaceOptions& options) {
  Require(options.tolerance >= 0 && std::isfinite(options.tolerance), "tolerance: expected at least 0, got ",
          options.tolerance);
  Require(options.percentile >= 0 && options.percentile <= 100, "percentile: expected 0 to 100, got ",
          options.percentile);
  for (int axis = 0; axis < grid.rank; ++axis) {
    Require(options.spacing[axis] > 0 && std::isfinite(options.spacing[axis]),
            "spacing: expected positive finite numbers, got ", options.spacing[axis]);
  }
}

// Only the shares of weights matter: areas of scaled cells neither overflow nor vanish.
std::vector<double> WeightsOf(const Grid& grid, const SurfaceOptions& options) {
  if (options.convention != SurfaceConvention::kDeepMind) return {};
  const int exponent =
      std::ilogb(*std::max_element(options.spacing.begin(), options.spacing.begin() + grid.rank));
  std::array<double, 3> spacing{1, 1, 1};
  for (int axis = 0; axis < grid.rank; ++axis) spacing[axis] = std::scalbn(options.spacing[axis], -exponent);
  return SurfaceElementSizes(grid.rank, spacing);
}

}  // namespace

SurfaceScale ScaleOf(const Grid& grid, const std::array<double, 3>& spacing) {
  SurfaceScale scale;
  double longest = 0, shortest = std::numeric_limits<double>::infinity();
  for (int axis = 0; axis < grid.rank; ++axis) {
    if (grid.size[axis] == 1) continue;
    longest = std::max(longest, spacing[axis]);
    shortest = std::min(shortest, spacing[axis]);
  }
  if (longest == 0) return scale;
  if (longest == shortest) return {.side = longest};
  // Squares of 3 axes of up to 2^29 pixels, and twice their sum, stay below 2^1024; `side` is a normal
  // number.
  const int exponent = std::ilogb(longest), to = std::min(470, exponent + 1022);
  for (int axis = 0; axis < grid.rank; ++axis)
    if (grid.size[axis] != 1)
      scale.spacing[axis] =
          std::max(std::scalbn(spacing[axis], to - exponent), std::numeric_limits<double>::min());
  scale.side = std::scalbn(1.0, exponent - to);
  return scale;
}

SurfaceMeasures MeasuresWhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  double distance = kNan, nsd = kNan;
  if (both && options.both_empty == BothEmpty::kPerfect) {
    distance = 0;
    nsd = 1;
  } else if (!both && options.one_empty != OneEmpty::kUndefined) {
    distance = std::numeric_limits<double>::infinity();
    nsd = 0;
    if (options.one_empty == OneEmpty::kDiagonal) {
      std::array<double, 3> lengths{0, 0, 0};
      for (int axis = 0; axis < grid.rank; ++axis)
        lengths[axis] = static_cast<double>(grid.size[axis]) * options.spacing[axis];
      const int exponent = std::ilogb(*std::max_element(lengths.begin(), lengths.end()));
      double square = 0;
      for (const double length : lengths)
        square += std::scalbn(length, -exponent) * std::scalbn(length, -exponent);
      distance = std::scalbn(std::sqrt(square), exponent);
    }
  }
  return {distance, distance, distance, distance, nsd, distance, distance};
}

template <class T>
SurfaceMeasures MeasureSquares(const SurfaceSquares<T>& a, const SurfaceSquares<T>& b, double side,
                               std::span<const double> weights, const SurfaceOptions& options) {
  if constexpr (std::is_same_v<T, int32_t>) {
    const int32_t farthest = std::max(*std::max_element(a.squares.begin(), a.squares.end()),
                                      *std::max_element(b.squares.begin(), b.squares.end()));
    // A few surface pixels far apart would leave most counts empty.
    const auto elements = static_cast<int64_t>(a.squares.size() + b.squares.size());
    if (weights.empty() && FewEnough(a) && FewEnough(b) && farthest <= 16 * elements + 4096)
      return OfCounts(a.squares, b.squares, side, farthest, options);
  }
  return OfElements(a, b, side, weights, options);
}

template SurfaceMeasures MeasureSquares(const SurfaceSquares<int32_t>&, const SurfaceSquares<int32_t>&,
                                        double, std::span<const double>, const SurfaceOptions&);
template SurfaceMeasures MeasureSquares(const SurfaceSquares<double>&, const SurfaceSquares<double>&, double,
                                        std::span<const double>, const SurfaceOptions&);

std::vector<double> CheckSurfaces(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                                  const SurfaceOptions& options, std::span<const SurfaceMeasures> out) {
  const auto count = static_cast<size_t>(grid.Count());
  Require(a.size() == count, "a: expected ", count, " elements, got ", a.size());
  Require(b.size() == count, "b: expected ", count, " elements, got ", b.size());
  Require(out.size() == static_cast<size_t>(grid.batch), "out: expected ", grid.batch, " results, got ",
          out.size());
  CheckMeasure(grid, options);
  return WeightsOf(grid, options);
}

std::vector<double> CheckLabelSurfaces(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                                       const SurfaceRegions& regions, const SurfaceOptions& options,
                                       std::span<const SurfaceMeasures> out) {
  const int64_t count = grid.Count(), classes = regions.classes;
  Require(Size(predicted) == count, "predicted: expected ", count, " elements, got ", Size(predicted));
  Require(Size(labels) == count, "labels: expected ", count, " elements, got ", Size(labels));
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  for (size_t region = 0; region < regions.sets.size(); ++region)
    for (const int64_t label : regions.sets[region])
      Require(label >= 0 && label < classes, "regions: expected classes 0 to ", classes - 1, ", got ", label,
              " in region ", region);
  Require(regions.tolerances.empty() || regions.tolerances.size() == regions.sets.size(),
          "tolerance: expected ", regions.sets.size(), " numbers, one per region, got ",
          regions.tolerances.size());
  Require(std::ssize(out) == CheckedProduct(grid.batch, std::ssize(regions.sets)), "out: expected ",
          grid.batch, " x ", regions.sets.size(), " results, got ", out.size());
  CheckMeasure(grid, options);
  for (const double tolerance : regions.tolerances)
    Require(tolerance >= 0 && std::isfinite(tolerance), "tolerance: expected at least 0, got ", tolerance);
  return WeightsOf(grid, options);
}

SurfaceOptions OptionsOf(const SurfaceRegions& regions, size_t region, const SurfaceOptions& options) {
  SurfaceOptions own = options;
  if (!regions.tolerances.empty()) own.tolerance = regions.tolerances[region];
  return own;
}

}  // namespace pixelcal
