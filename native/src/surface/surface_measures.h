#pragma once

// The part of surface distances that the CPU and a device share: all but the distances.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/shape.h"
#include "surface/surface_distance.h"

namespace pixelcal {

// The elements of one surface, in the order of their places: the squared distances to the other surface, and
// the elements' codes (surface/surface_elements.h), which only weighted elements need.
template <class T>
struct SurfaceSquares {
  std::span<const T> squares;
  std::span<const uint8_t> codes;
};

// Computes the measures. T is int32_t, for squares of whole pixels with sides of `side`, or double, for
// squares in units of `side`. Neither surface may be empty; `weights` by code, or none.
template <class T>
SurfaceMeasures MeasureSquares(const SurfaceSquares<T>& a, const SurfaceSquares<T>& b, double side,
                               std::span<const double> weights, const SurfaceOptions& options);

SurfaceMeasures MeasuresWhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options);

// The spacing in units of `side` for the transform of a grid: ones if all sides along axes longer than 1 are
// equal. Otherwise `side` is a power of two, so that no square overflows and squares of sides much smaller
// than the longest do not vanish.
struct SurfaceScale {
  std::array<double, 3> spacing{1, 1, 1};
  double side = 1;
};
SurfaceScale ScaleOf(const Grid& grid, const std::array<double, 3>& spacing);

// Throws for arguments that do not fit; returns the weights of the convention's elements by code, or none.
std::vector<double> CheckSurfaces(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                                  const SurfaceOptions& options, std::span<const SurfaceMeasures> out);
std::vector<double> CheckLabelSurfaces(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                                       const SurfaceRegions& regions, const SurfaceOptions& options,
                                       std::span<const SurfaceMeasures> out);

// Returns the options for one of the regions.
SurfaceOptions OptionsOf(const SurfaceRegions& regions, size_t region, const SurfaceOptions& options);

}  // namespace pixelcal
