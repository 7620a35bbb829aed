// Percentiles by walking counts, O(largest square), by selection or sorting by digits, O(elements), or, of
// weighted distances that are no roots of whole numbers, by comparing, O(elements log elements). Sums run in
// a fixed order: by size from counts, in the elements' own order from lists.
#include "surface/surface_statistics.h"

#include <array>
#include <bit>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "base/scratch.h"

namespace pixelcal {
namespace {

// Returns the place of the percentile among `count` values.
int64_t PlaceOf(double percent, int64_t count, double* fraction) {
  const double place = static_cast<double>(count - 1) * (percent / 100);
  const auto below = static_cast<int64_t>(place);
  *fraction = place - static_cast<double>(below);
  return below;
}

// Sorts numbers by their digits, the last ones first (LSD radix sort), with room for as many; returns where
// they are.
const uint64_t* Sorted(uint64_t* numbers, uint64_t* room, size_t count) {
  constexpr int kMostBits = 11;  // of a digit
  uint64_t any = 0;
  for (size_t i = 0; i < count; ++i) any |= numbers[i];
  const int width = std::bit_width(any), digits = (width + kMostBits - 1) / kMostBits;
  const int bits = digits > 0 ? (width + digits - 1) / digits : 0;
  for (int shift = 0; shift < width; shift += bits) {
    std::array<size_t, size_t{1} << kMostBits> ends;
    const size_t values = size_t{1} << bits;
    const auto digit = [&](uint64_t number) { return number >> shift & (values - 1); };
    std::fill_n(ends.begin(), values, size_t{0});
    for (size_t i = 0; i < count; ++i) ++ends[digit(numbers[i])];
    std::exclusive_scan(ends.begin(), ends.begin() + values, ends.begin(), size_t{0});
    for (size_t i = 0; i < count; ++i) room[ends[digit(numbers[i])]++] = numbers[i];
    std::swap(numbers, room);
  }
  return numbers;
}

}  // namespace

double Percentile::LinearInFloat() const {
  // float32 has no such numbers, or fewer digits of them.
  if (high > std::numeric_limits<float>::max() || (high < std::numeric_limits<float>::min() && high > 0))
    return Linear();
  const auto below = static_cast<float>(low), above = static_cast<float>(high);
  const float step = above - below;
  return fraction >= 0.5 ? above - step * static_cast<float>(1 - fraction)
                         : below + step * static_cast<float>(fraction);
}

SquareCounts::SquareCounts(std::span<uint32_t> of, std::span<const int32_t> squares, double side)
    : of_(of), total_(std::ssize(squares)), side_(side) {
  std::fill(of.begin(), of.end(), 0u);
  for (const int32_t square : squares) ++of[static_cast<size_t>(square)];
}

SurfaceSums SquareCounts::Sum(double tolerance) const {
  const double limit = LimitOf(tolerance);
  SurfaceSums sums;
  for (size_t square = 0; square < of_.size(); ++square)
    if (of_[square] != 0) sums.Add(of_[square], Distance(square), limit);
  return sums;
}

Percentile SquareCounts::Pooled(const SquareCounts& other, double percent) const {
  Percentile percentile;
  const int64_t total = total_ + other.total_, place = PlaceOf(percent, total, &percentile.fraction);
  // The place among the elements of `square`, once that is found.
  int64_t left = place;
  size_t square = 0;
  const auto distance = [&] {
    for (;; ++square) {
      const int64_t here = of_[square] + (other.of_.empty() ? int64_t{0} : other.of_[square]);
      if (left < here) return Distance(square);
      left -= here;
    }
  };
  percentile.high = percentile.low = distance();
  ++left;
  if (place + 1 < total) percentile.high = distance();
  return percentile;
}

SurfaceSums Sum(std::span<const SurfaceElement> elements, double tolerance) {
  const double limit = LimitOf(tolerance);
  SurfaceSums sums;
  for (const SurfaceElement& e : elements) sums.Add(e.weight, e.distance, limit);
  return sums;
}

Percentile PercentileOf(std::span<SurfaceElement> elements, double percent) {
  const auto nearer = [](const SurfaceElement& a, const SurfaceElement& b) {
    return a.distance < b.distance;
  };
  Percentile percentile;
  const auto at = elements.begin() + PlaceOf(percent, std::ssize(elements), &percentile.fraction);
  std::nth_element(elements.begin(), at, elements.end(), nearer);
  percentile.low = at->distance;
  percentile.high =
      at + 1 == elements.end() ? at->distance : std::min_element(at + 1, elements.end(), nearer)->distance;
  return percentile;
}

double WeightedPercentile(std::span<SurfaceElement> elements, double percent) {
  std::sort(elements.begin(), elements.end(), [](const SurfaceElement& a, const SurfaceElement& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.weight < b.weight;
  });
  double total = 0, covered = 0;
  for (const SurfaceElement& e : elements) total += e.weight;
  for (const SurfaceElement& e : elements) {
    covered += e.weight;
    if (covered / total >= percent / 100) return e.distance;
  }
  return elements.back().distance;
}

double WeightedPercentile(std::span<const int32_t> squares, std::span<const uint8_t> codes,
                          std::span<const double> weights, double side, double percent) {
  // Codes go from the lightest to the heaviest, so that sums run in the order that sorting gives.
  const size_t kinds = weights.size(), count = squares.size();
  std::array<uint8_t, 256> code_of, place_of;
  std::iota(code_of.begin(), code_of.begin() + static_cast<std::ptrdiff_t>(kinds), uint8_t{0});
  std::sort(code_of.begin(), code_of.begin() + static_cast<std::ptrdiff_t>(kinds),
            [&](uint8_t a, uint8_t b) { return weights[a] < weights[b]; });
  for (size_t place = 0; place < kinds; ++place) place_of[code_of[place]] = static_cast<uint8_t>(place);

  const int bits = std::bit_width(kinds - 1);
  auto* keys = Scratch<uint64_t, struct WeightedKeys>(2 * count);
  for (size_t i = 0; i < count; ++i) keys[i] = static_cast<uint64_t>(squares[i]) << bits | place_of[codes[i]];
  const uint64_t* sorted = Sorted(keys, keys + count, count);
  auto* covered = Scratch<double, struct CoveredWeights>(count);
  double total = 0;
  for (size_t i = 0; i < count; ++i)
    covered[i] = total += weights[code_of[sorted[i] & ((uint64_t{1} << bits) - 1)]];
  const auto* const found = std::partition_point(
      covered, covered + count - 1, [&](double weight) { return !(weight / total >= percent / 100); });
  return side * std::sqrt(static_cast<double>(sorted[found - covered] >> bits));
}

}  // namespace pixelcal
