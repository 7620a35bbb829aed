#pragma once

// Slow and obvious implementations that each kernel must equal. Everything is O(n^2) and in double.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/shape.h"

namespace pixelcal::reference {

struct Pixel {
  int64_t z, y, x;
};

inline Pixel At(const std::array<int64_t, 3>& dhw, int64_t index) {
  return {index / (dhw[1] * dhw[2]), index / dhw[2] % dhw[1], index % dhw[2]};
}

inline std::array<double, 3> RightAligned(const Grid& grid, const std::array<double, 3>& spacing) {
  std::array<double, 3> aligned{1, 1, 1};
  for (int axis = 0; axis < grid.rank; ++axis) aligned[3 - grid.rank + axis] = spacing[axis];
  return aligned;
}

// Returns the squared distance of each nonzero pixel of one image to its nearest zero; infinity if there is
// none.
inline std::vector<double> SquaredDistances(const uint8_t* mask, const Grid& grid,
                                            const std::array<double, 3>& spacing) {
  const auto dhw = grid.DepthHeightWidth();
  const auto size = RightAligned(grid, spacing);
  const int64_t pixels = grid.Pixels();
  std::vector<Pixel> zeros;
  for (int64_t i = 0; i < pixels; ++i)
    if (mask[i] == 0) zeros.push_back(At(dhw, i));
  std::vector<double> squares(static_cast<size_t>(pixels), 0.0);
  for (int64_t i = 0; i < pixels; ++i) {
    if (mask[i] == 0) continue;
    const Pixel p = At(dhw, i);
    double least = std::numeric_limits<double>::infinity();
    for (const Pixel& q : zeros) {
      const double dz = static_cast<double>(p.z - q.z) * size[0];
      const double dy = static_cast<double>(p.y - q.y) * size[1];
      const double dx = static_cast<double>(p.x - q.x) * size[2];
      least = std::min(least, dz * dz + dy * dy + dx * dx);
    }
    squares[static_cast<size_t>(i)] = least;
  }
  return squares;
}

// Returns the authors' signed distance of one class, before any normalisation: two transforms, outside minus
// inside.
inline std::vector<double> SignedDistances(const std::vector<int>& labels, int label, const Grid& grid,
                                           const std::array<double, 3>& spacing) {
  std::vector<uint8_t> inside(labels.size()), outside(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    inside[i] = labels[i] == label;
    outside[i] = labels[i] != label;
  }
  const auto in = SquaredDistances(inside.data(), grid, spacing);
  const auto out = SquaredDistances(outside.data(), grid, spacing);
  std::vector<double> signed_distance(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) signed_distance[i] = std::sqrt(out[i]) - std::sqrt(in[i]);
  return signed_distance;
}

// Returns the value of a mask at (z, y, x), 0 outside the image.
inline int Value(const uint8_t* mask, const std::array<int64_t, 3>& dhw, int64_t z, int64_t y, int64_t x) {
  if (z < 0 || y < 0 || x < 0 || z >= dhw[0] || y >= dhw[1] || x >= dhw[2]) return 0;
  return mask[(z * dhw[1] + y) * dhw[2] + x] != 0;
}

// Returns the pixels of the mask that a full or cross 3^rank erosion with zeros outside the image removes;
// ignored pixels (null for none) do not erode.
inline std::vector<Pixel> SurfacePixels(const uint8_t* mask, const Grid& grid, bool full,
                                        const uint8_t* ignored = nullptr) {
  const auto dhw = grid.DepthHeightWidth();
  std::vector<Pixel> surface;
  for (int64_t i = 0; i < grid.Pixels(); ++i) {
    const Pixel p = At(dhw, i);
    if (mask[i] == 0) continue;
    bool core = true;
    for (int64_t dz = grid.rank == 3 ? -1 : 0; dz <= (grid.rank == 3 ? 1 : 0); ++dz) {
      for (int64_t dy = grid.rank >= 2 ? -1 : 0; dy <= (grid.rank >= 2 ? 1 : 0); ++dy) {
        for (int64_t dx = -1; dx <= 1; ++dx) {
          if (full || std::abs(dz) + std::abs(dy) + std::abs(dx) == 1)
            core &= Value(mask, dhw, p.z + dz, p.y + dy, p.x + dx) != 0 ||
                    (ignored && Value(ignored, dhw, p.z + dz, p.y + dy, p.x + dx) != 0);
        }
      }
    }
    if (!core) surface.push_back(p);
  }
  return surface;
}

// Returns for each pixel of `from` the distance to the nearest of `to`.
inline std::vector<double> Distances(const std::vector<Pixel>& from, const std::vector<Pixel>& to,
                                     const std::array<double, 3>& size) {
  std::vector<double> distances;
  for (const Pixel& p : from) {
    double least = std::numeric_limits<double>::infinity();
    for (const Pixel& q : to) {
      const double dz = static_cast<double>(p.z - q.z) * size[0];
      const double dy = static_cast<double>(p.y - q.y) * size[1];
      const double dx = static_cast<double>(p.x - q.x) * size[2];
      least = std::min(least, dz * dz + dy * dy + dx * dx);
    }
    distances.push_back(std::sqrt(least));
  }
  return distances;
}

// Returns the q-quantile with linear interpolation.
inline double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = static_cast<double>(values.size() - 1) * q;
  const auto below = static_cast<size_t>(place);
  if (below + 1 == values.size()) return values[below];
  return values[below] + (values[below + 1] - values[below]) * (place - static_cast<double>(below));
}

}  // namespace pixelcal::reference
