#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/shape.h"
#include "base/span.h"

namespace pixelcal {

enum class Interpolation { kNearest, kLinear };

// Where each pixel o of a result lies in its source, in pixels of the source from the centre of the first:
// matrix o + offset + displacement(o).
struct Warp {
  std::array<int64_t, 3> size{1, 1, 1};                     // of the result, as Grid's
  std::array<double, 9> matrix{1, 0, 0, 0, 1, 0, 0, 0, 1};  // rank x rank, row-major
  std::array<double, 3> offset{0, 0, 0};
  // Displacements at the points of a grid, [rank, ...control_size], at least 4 points an axis: a uniform
  // cubic B-spline whose second point lies at the result's first pixel and whose last but one lies at its
  // last.
  std::span<const double> control = {};
  std::array<int64_t, 3> control_size{1, 1, 1};
};

// Throws std::invalid_argument unless the sizes fit one another and every number is finite.
void CheckWarp(const Warp& warp, const Grid& source, int64_t elements, int64_t results);

namespace cpu {

// Reads every plane of `source`, whose batch counts planes, at the warp's places. Places outside are moved to
// the border, those that overflow to the first pixel.
void WarpImage(std::span<const float> image, const Grid& source, const Warp& warp,
               Interpolation interpolation, std::span<float> out);

// Writes the label with the largest share of the linear interpolation at every place, the smaller of equal
// ones; outside, the border repeats. `out` has the type of `labels`.
template <class Label>
void WarpLabels(std::span<const Label> labels, const Grid& source, const Warp& warp, std::span<Label> out);

}  // namespace cpu
}  // namespace pixelcal
