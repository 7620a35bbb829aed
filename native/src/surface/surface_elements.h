#pragma once

#include <array>
#include <vector>

namespace pixelcal {

// Returns the length (rank 2) or area (rank 3) of the surface that passes between the 2^rank pixels around a
// pixel corner, in physical units of `spacing`, indexed by which pixels are inside: the pixel at offset (o0,
// o1[, o2]) from the first sets bit 2^rank - 1 - (o0 o1 o2 read as a binary number).
//
// Marching squares and cubes with vertices at edge midpoints. Where a cube face is ambiguous the inside
// pixels are separated, or the outside ones if they are the minority; each closed polygon is triangulated so
// that its area in a unit cell is largest. With these rules the sizes equal those of DeepMind's
// surface-distance for every code and spacing.
std::vector<double> SurfaceElementSizes(int rank, const std::array<double, 3>& spacing);

}  // namespace pixelcal
