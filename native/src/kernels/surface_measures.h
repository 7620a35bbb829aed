#pragma once

// What the surface distances of the CPU and of a device have in common: all but the distances.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/surface_distance.h"
#include "shape.h"

namespace pixelcal {

// Of one surface's elements, in the order of their places: the squared distances to the other surface, and
// their codes (kernels/surface_elements.h), which only weighted elements need.
template <class T>
struct SurfaceSquares {
  std::span<const T> squares;
  std::span<const uint8_t> codes;
};

// T is int32_t, for squares of whole pixels with sides of `side`, or float. Neither surface may be empty;
// `weights` by code, or none.
template <class T>
SurfaceMeasures MeasureSquares(const SurfaceSquares<T>& a, const SurfaceSquares<T>& b, double side,
                               std::span<const double> weights, const SurfaceOptions& options);

SurfaceMeasures MeasuresWhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options);

// The side of all pixels along the axes that matter, or 0 when they differ.
double CommonSide(const Grid& grid, const std::array<double, 3>& spacing);

// Throws for arguments that do not fit; the weights of the convention's elements by code, or none.
std::vector<double> CheckSurfaces(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                                  const SurfaceOptions& options, std::span<const SurfaceMeasures> out);

}  // namespace pixelcal
