#pragma once

// The passes of the distance transform, for any definition of "zero": distance.cc has them for masks,
// signed_distance.cc for the classes of a label map, surface_distance.cc for surfaces.

#include <algorithm>
#include <bit>
#include <span>

#include "kernels/distance.h"
#include "parallel.h"

namespace pixelcal::internal {

// Distances of `images` images of one shape. Axes of size 1 add nothing and are dropped.
struct DistancePlan {
  int64_t images;
  int axes;                       // 0 to 3 axes longer than 1, slowest first
  std::array<int64_t, 3> size;    // of those axes
  std::array<double, 3> spacing;  // of those axes
  int64_t pixels;                 // of one image
  bool squared;
};

DistancePlan MakePlan(int64_t images, const Grid& grid, const DistanceOptions& options);

// Steps to the nearest zero along the slowest axis travel to the next pass in the bits of the output.
inline constexpr int32_t kNoZeroOnLine = 1 << 29;
inline int32_t LoadSteps(float value) { return std::bit_cast<int32_t>(value); }

// First pass. zero_of(image) returns a predicate on the pixel index within the image.
template <class ZeroOf>
void SweepSlowestAxis(const DistancePlan& plan, const ZeroOf& zero_of, float* out) {
  const int64_t rows = plan.axes > 0 ? plan.size[0] : 1;
  const int64_t columns = plan.pixels / rows;
  // Chunks of columns keep their running steps in the first level cache and still share cache lines.
  const int64_t width = std::min<int64_t>(columns, 512);
  const int64_t chunks = (columns + width - 1) / width;
  ParallelFor(plan.images * chunks, std::max<int64_t>(1, 8192 / (rows * width)),
              [&](int64_t begin, int64_t end) {
                for (int64_t task = begin; task < end; ++task) {
                  const auto is_zero = zero_of(task / chunks);
                  const int64_t first = (task % chunks) * width, last = std::min(columns, first + width);
                  float* image = out + (task / chunks) * plan.pixels;
                  int32_t steps[512];
                  std::fill_n(steps, last - first, kNoZeroOnLine);
                  for (int64_t row = 0; row < rows; ++row) {
                    float* to = image + row * columns;
                    for (int64_t column = first; column < last; ++column) {
                      const int32_t next = is_zero(row * columns + column) ? 0 : steps[column - first] + 1;
                      steps[column - first] = next;
                      to[column] = std::bit_cast<float>(next);
                    }
                  }
                  for (int64_t row = rows - 2; row >= 0; --row) {
                    float* to = image + row * columns;
                    for (int64_t column = first; column < last; ++column) {
                      const int32_t next = std::min(LoadSteps(to[column]), steps[column - first] + 1);
                      steps[column - first] = next;
                      to[column] = std::bit_cast<float>(next);
                    }
                  }
                }
              });
}

// The other passes: steps in, distances out.
void FinishDistances(const DistancePlan& plan, float* out);

// What remains where has_zero[image] is 0: the policy for images without any zero.
void FillWithoutZero(const Grid& grid, const DistanceOptions& options, std::span<const uint8_t> has_zero,
                     float* out);

}  // namespace pixelcal::internal
