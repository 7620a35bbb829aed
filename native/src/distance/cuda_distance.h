#pragma once

// The distance transform on device memory, for any definition of "zero".

#include <array>

#include "base/shape.h"
#include "distance/cuda_line_sweep.h"
#include "distance/distance.h"

namespace pixelcal::cuda {

// The point to which images without any zero measure in SciPy: one step before the image on its first axis, 0
// on the others.
struct VirtualPoint {
  std::array<int64_t, 3> size;  // depth, height, width
  double spacing[3], before[3];

  __device__ double SquaredDistance(int64_t pixel) const {
    const double z = (static_cast<double>(pixel / (size[1] * size[2])) + before[0]) * spacing[0];
    const double y = (static_cast<double>(pixel / size[2] % size[1]) + before[1]) * spacing[1];
    const double x = (static_cast<double>(pixel % size[2]) + before[2]) * spacing[2];
    return z * z + y * y + x * x;
  }
};
VirtualPoint MakeVirtualPoint(const Grid& grid, const std::array<double, 3>& spacing);

// The plan of a transform; axes of size 1 add nothing and are dropped.
struct DistancePlan {
  int64_t maps, pixels;
  int axes;                       // number of axes longer than 1, slowest first
  std::array<int64_t, 3> size;    // of those axes
  std::array<double, 3> spacing;  // of those axes
  bool squared, infinity;
  VirtualPoint point;

  int64_t Rows() const { return axes > 0 ? size[0] : 1; }
};
DistancePlan MakePlan(int64_t maps, const Grid& grid, const DistanceOptions& options);

// Returns whether squared distances are computed as 32-bit integers: unit spacing, and a diagonal that fits
// them.
bool HasIntegers(const DistancePlan& plan);

// Runs the first pass, to the nearest pixel along the first axis for which zeros(map, pixel) holds.
template <class Zeros>
Steps SweepZeros(Stream& stream, const DistancePlan& plan, const Zeros& zeros) {
  const int64_t rows = plan.Rows(), count = CheckedProduct(plan.maps, plan.pixels);
  const Steps steps{stream.Allocate<unsigned char>(CheckedProduct(count, Steps::Bytes(rows))),
                    Steps::Wide(rows)};
  RunSweep(stream, zeros, plan.maps, rows, plan.pixels / rows, steps);
  return steps;
}

// Runs the passes after the first: takes steps, gives the distances of every map.
void FinishDistances(Stream& stream, const DistancePlan& plan, const Steps& steps, float* out);
// Runs the passes after the first and leaves squares; the result of a map without zeros is undefined. T is
// int32_t if the plan HasIntegers, or double.
template <class T>
void FinishSquares(Stream& stream, const DistancePlan& plan, const Steps& steps, T* out);

// Computes the distances of every pixel of plan.maps maps to the nearest pixel for which zeros(map, pixel)
// holds.
template <class Zeros>
void Distances(Stream& stream, const DistancePlan& plan, const Zeros& zeros, float* out) {
  FinishDistances(stream, plan, SweepZeros(stream, plan, zeros), out);
}

}  // namespace pixelcal::cuda
