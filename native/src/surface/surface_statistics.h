#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace pixelcal {

// Sums and percentiles of the distances of a surface's elements, from counts of integer squares or
// from a list.

struct SurfaceSums {
  double weight = 0, distance = 0, within = 0, farthest = 0;

  void Add(double amount, double at, double limit) {
    weight += amount;
    distance += amount * at;
    if (at <= limit) within += amount;
    farthest = std::max(farthest, at);
  }
};

// The largest distance that is within the tolerance: the sides of pixels, their squares, sums and roots round
// by less than 3 units in the last place together.
inline double LimitOf(double tolerance) { return tolerance + tolerance * 0x1p-50; }

// Two order statistics, and where between them a percentile lies.
struct Percentile {
  double low, high, fraction;

  // As numpy.percentile and torch.quantile.
  double Linear() const { return low + (high - low) * fraction; }
  // numpy.percentile of a float32 array, rounding as NumPy 2 does; Linear() out of float32's range.
  double LinearInFloat() const;
};

// How many squared distances of each size there are, in pixels with sides of `side`.
class SquareCounts {
 public:
  // `of` is the memory: a count for every square up to the largest.
  SquareCounts(std::span<uint32_t> of, std::span<const int32_t> squares, double side);

  SurfaceSums Sum(double tolerance) const;
  Percentile At(double percent) const { return Pooled(SquareCounts({}, {}, side_), percent); }
  // Of both together; `other` has as many counts, or none.
  Percentile Pooled(const SquareCounts& other, double percent) const;

 private:
  double Distance(size_t square) const { return side_ * std::sqrt(static_cast<double>(square)); }

  std::span<const uint32_t> of_;
  int64_t total_;
  double side_;
};

// A surface element's distance, and its length or area.
struct SurfaceElement {
  double distance, weight;
};

SurfaceSums Sum(std::span<const SurfaceElement> elements, double tolerance);

// Reorders the elements; weights do not count.
Percentile PercentileOf(std::span<SurfaceElement> elements, double percent);

// The first distance at which `percent` of the surface's length or area is covered. Sorts the elements.
double WeightedPercentile(std::span<SurfaceElement> elements, double percent);
// The same, without sorting, of squared distances up to `farthest` in pixels with sides of `side` and of
// elements whose weights are weights[code]. Needs farthest + 1 times as many counts as there are weights.
double WeightedPercentile(std::span<const int32_t> squares, std::span<const uint8_t> codes,
                          std::span<const double> weights, int32_t farthest, double side, double percent);

}  // namespace pixelcal
