#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace pixelcal {

// Sums and percentiles of the distances of a surface's elements, from counts of integer squares or from a
// list.

struct SurfaceSums {
  double weight = 0, distance = 0, within = 0, farthest = 0;

  void Add(double amount, double at, double limit) {
    weight += amount;
    distance += amount * at;
    if (at <= limit) within += amount;
    farthest = std::max(farthest, at);
  }
};

// Returns the largest distance that is within the tolerance: the sides of pixels, their squares, sums and
// roots together round by less than 3 units in the last place.
inline double LimitOf(double tolerance) { return tolerance + tolerance * 0x1p-50; }

// Two order statistics, and the position of a percentile between them.
struct Percentile {
  double low, high, fraction;

  // Returns the percentile as numpy.percentile and torch.quantile do.
  double Linear() const { return low + (high - low) * fraction; }
  // Returns the percentile as numpy.percentile of a float32 array does in NumPy 2, and Linear() outside
  // float32's range.
  double LinearInFloat() const;
};

// The number of squared distances of each size, in pixels with sides of `side`.
class SquareCounts {
 public:
  // Counts into the memory `of`, which has a count for every square up to the largest.
  SquareCounts(std::span<uint32_t> of, std::span<const int32_t> squares, double side);

  SurfaceSums Sum(double tolerance) const;
  Percentile At(double percent) const { return Pooled(SquareCounts({}, {}, side_), percent); }
  // Returns the percentile of both together; `other` has as many counts, or none.
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

// Returns the percentile without regard to weights; reorders the elements.
Percentile PercentileOf(std::span<SurfaceElement> elements, double percent);

// Returns the first distance at which `percent` of the surface's length or area is covered. Sorts the
// elements.
double WeightedPercentile(std::span<SurfaceElement> elements, double percent);
// Returns the weighted percentile of squared distances in pixels with sides of `side` and of elements, one at
// least, whose weights are weights[code]: the bits of the form above.
double WeightedPercentile(std::span<const int32_t> squares, std::span<const uint8_t> codes,
                          std::span<const double> weights, double side, double percent);

}  // namespace pixelcal
