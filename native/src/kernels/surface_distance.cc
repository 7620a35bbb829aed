// Both masks are cropped to the box around them. The distances of one surface's elements to the other are
// read from the exact distance transform of that other surface, of whose last pass only the tiles with such
// elements are made. In pixels of equal sides distances are roots of integers: counts of each integer give
// sums and exact percentiles without sorting. Else, and for weighted elements, percentiles come by selection
// or sorting. O(pixels of the box).
#include "kernels/surface_distance.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/grid_distance.h"
#include "kernels/surface.h"
#include "kernels/surface_elements.h"
#include "kernels/surface_statistics.h"
#include "parallel.h"
#include "scratch.h"

namespace pixelcal {
namespace {

// The values at the surface's places in the rows [first, last), in order; returns the end of `to`.
template <class T>
T* Gather(const Surface& surface, int64_t first, int64_t last, const T* values, T* to) {
  const int64_t words = surface.RowWords();
  for (int64_t row = first; row < last; ++row) {
    const uint64_t* bits = surface.bits + row * words;
    for (int64_t i = 0; i < words; ++i)
      for (uint64_t word = bits[i]; word != 0; word &= word - 1)
        *to++ = values[row * surface.size[2] + 64 * i + std::countr_zero(word)];
  }
  return to;
}

int64_t CountPlaces(const Surface& surface, int64_t first, int64_t last) {
  const uint64_t *bits = surface.bits + first * surface.RowWords(),
                 *end = surface.bits + last * surface.RowWords();
  int64_t count = 0;
  for (; bits != end; ++bits) count += std::popcount(*bits);
  return count;
}

// Marks the transform's tiles that hold places of the surface.
void MarkTiles(const internal::GridDistance& transform, const Surface& surface, uint8_t* wanted) {
  constexpr int64_t kTiles = 64 / simd::kTileColumns;  // of a word
  constexpr uint64_t kTile = ~uint64_t{0} >> (64 - simd::kTileColumns);
  const int64_t words = surface.RowWords();
  std::fill_n(wanted, transform.tiles(), uint8_t{0});
  for (int64_t row = 0; row < surface.Rows(); ++row) {
    const uint64_t* bits = surface.bits + row * words;
    uint8_t* of_row = wanted + transform.Tile(row * surface.size[2]);
    for (int64_t i = 0; i < words; ++i)
      for (int64_t tile = 0; bits[i] != 0 && tile < kTiles; ++tile)
        if (bits[i] >> (tile * simd::kTileColumns) & kTile) of_row[i * kTiles + tile] = 1;
  }
}

// For each place of `from` the squared distance to the nearest of `to`, in scratch of `kSlot`: int32 where
// the transform has integers(), else float.
template <class T, int kSlot>
std::span<const T> SquaresBetween(const internal::GridDistance& transform, const Surface& from,
                                  const Surface& to) {
  constexpr auto kForm = std::is_same_v<T, int32_t> ? internal::Form::kInteger : internal::Form::kSquare;
  const internal::Sites sites{to.code, 0, false};
  auto* wanted = Scratch<uint8_t, 16>(static_cast<size_t>(transform.tiles()));
  MarkTiles(transform, from, wanted);
  auto* begins = Scratch<int64_t, 10>(static_cast<size_t>(transform.bands() + 1));
  const auto row_of = [&](int64_t band) { return transform.band_begin(band) / from.size[2]; };
  begins[0] = 0;
  for (int64_t band = 0; band < transform.bands(); ++band)
    begins[band + 1] = begins[band] + CountPlaces(from, row_of(band), row_of(band + 1));
  const int64_t count = begins[transform.bands()];
  auto* list = Scratch<T, kSlot>(static_cast<size_t>(count));
  auto* squares = Scratch<T, 12>(static_cast<size_t>(transform.pixels()));
  ParallelFor(transform.sweeps(), internal::Grain(transform.pixels() / transform.sweeps()),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) transform.Sweep(sites, i, squares);
              });
  ParallelFor(transform.bands(), internal::Grain(transform.pixels() / transform.bands()),
              [&](int64_t begin, int64_t end) {
                for (int64_t band = begin; band < end; ++band) {
                  if (begins[band] == begins[band + 1]) continue;
                  transform.Finish(sites, band, kForm, squares, wanted);
                  Gather(from, row_of(band), row_of(band + 1), squares, list + begins[band]);
                }
              });
  return {list, static_cast<size_t>(count)};
}

std::span<const uint8_t> CodesOf(const Surface& surface, size_t count) {
  auto* codes = Scratch<uint8_t, 17>(count);
  Gather(surface, 0, surface.Rows(), surface.code, codes);
  return {codes, count};
}

template <class T>
std::span<SurfaceElement> MakeElements(const Surface& from, std::span<const T> squares, double side,
                                       std::span<const double> weights, SurfaceElement* elements) {
  for (size_t i = 0; i < squares.size(); ++i)
    elements[i] = {side * std::sqrt(static_cast<double>(squares[i])), 1};
  if (!weights.empty()) {
    const auto codes = CodesOf(from, squares.size());
    for (size_t i = 0; i < squares.size(); ++i) elements[i].weight = weights[codes[i]];
  }
  return {elements, squares.size()};
}

SurfaceMeasures Measures(const SurfaceSums& a, const SurfaceSums& b, double hd95) {
  return {std::max(a.farthest, b.farthest),
          hd95,
          (a.distance + b.distance) / (a.weight + b.weight),
          (a.within + b.within) / (a.weight + b.weight),
          a.distance / a.weight,
          b.distance / b.weight};
}

SurfaceMeasures OfCounts(std::span<const int32_t> a_to_b, std::span<const int32_t> b_to_a, double side,
                         int32_t farthest, const SurfaceOptions& options) {
  const auto sizes = static_cast<size_t>(farthest) + 1;
  const SquareCounts a({Scratch<uint32_t, 10>(sizes), sizes}, a_to_b, side);
  const SquareCounts b({Scratch<uint32_t, 11>(sizes), sizes}, b_to_a, side);
  return Measures(a.Sum(options.tolerance), b.Sum(options.tolerance),
                  options.convention == SurfaceConvention::kReference
                      ? a.Pooled95(b).LinearInFloat()
                      : std::max(a.Percentile95().Linear(), b.Percentile95().Linear()));
}

template <class T>
SurfaceMeasures OfElements(const Surface& of_a, const Surface& of_b, std::span<const T> a_to_b,
                           std::span<const T> b_to_a, double side, std::span<const double> weights,
                           const SurfaceOptions& options) {
  // Side by side, so that both are pooled as they are.
  auto* memory = Scratch<SurfaceElement, 0>(a_to_b.size() + b_to_a.size());
  const auto a = MakeElements(of_a, a_to_b, side, weights, memory);
  const auto b = MakeElements(of_b, b_to_a, side, weights, memory + a.size());
  const SurfaceSums sum_a = Sum(a, options.tolerance), sum_b = Sum(b, options.tolerance);
  const auto percentile = [&](const Surface& from, std::span<const T> squares,
                              std::span<SurfaceElement> elements) {
    if constexpr (std::is_same_v<T, int32_t>) {
      const int32_t farthest = *std::max_element(squares.begin(), squares.end());
      if ((farthest + size_t{1}) * weights.size() <= 64 * squares.size() + 65536)
        return WeightedPercentile95(squares, CodesOf(from, squares.size()), weights, farthest, side);
    }
    return WeightedPercentile95(elements);
  };
  switch (options.convention) {
    case SurfaceConvention::kReference:
      return Measures(sum_a, sum_b, Percentile95({memory, a.size() + b.size()}).LinearInFloat());
    case SurfaceConvention::kMonai:
      return Measures(sum_a, sum_b, std::max(Percentile95(a).Linear(), Percentile95(b).Linear()));
    case SurfaceConvention::kDeepMind:
      return Measures(sum_a, sum_b, std::max(percentile(of_a, a_to_b, a), percentile(of_b, b_to_a, b)));
  }
  return {};
}

// The side of all pixels along the axes that matter, or 0 when they differ.
double CommonSide(const Grid& grid, const std::array<double, 3>& spacing) {
  double side = 0;
  for (int axis = 0; axis < grid.rank; ++axis) {
    if (grid.size[axis] == 1) continue;
    if (side != 0 && side != spacing[axis]) return 0;
    side = spacing[axis];
  }
  return side == 0 ? 1 : side;
}

SurfaceMeasures WhenEmpty(bool both, const Grid& grid, const SurfaceOptions& options) {
  double distance = std::numeric_limits<double>::quiet_NaN(), nsd = distance;
  if (options.empty != EmptyMask::kNan) {
    nsd = both ? 1 : 0;
    distance = both ? 0 : std::numeric_limits<double>::infinity();
    if (!both && options.empty == EmptyMask::kDiagonal) {
      double square = 0;
      for (int axis = 0; axis < grid.rank; ++axis)
        square += std::pow(static_cast<double>(grid.size[axis]) * options.spacing[axis], 2);
      distance = std::sqrt(square);
    }
  }
  return {distance, distance, distance, nsd, distance, distance};
}

SurfaceMeasures Measure(const uint8_t* a, const uint8_t* b, const Grid& grid, const SurfaceOptions& options,
                        std::span<const double> weights) {
  const Dhw dhw = grid.DepthHeightWidth();
  const uint64_t *bits_a = PackImage(a, dhw, 0), *bits_b = PackImage(b, dhw, 1);
  Box box;
  const bool any_a = GrowBox(bits_a, dhw, box), any_b = GrowBox(bits_b, dhw, box);
  if (!any_a || !any_b) return WhenEmpty(!any_a && !any_b, grid, options);

  const auto surface_of = [&](const uint64_t* bits, int slot) {
    return options.convention == SurfaceConvention::kDeepMind
               ? SurfaceCorners(bits, dhw, box, grid.rank, slot)
               : SurfacePixels(bits, dhw, box, grid.rank, options.convention == SurfaceConvention::kReference,
                               slot);
  };
  const Surface of_a = surface_of(bits_a, 0), of_b = surface_of(bits_b, 1);
  const Grid places = GridOf(of_a.size, grid.rank);
  const double common = CommonSide(places, options.spacing), side = common == 0 ? 1 : common;
  const internal::GridDistance transform(places,
                                         common == 0 ? options.spacing : std::array<double, 3>{1, 1, 1});
  if (!transform.integers()) {
    const auto a_to_b = SquaresBetween<float, 10>(transform, of_a, of_b);
    const auto b_to_a = SquaresBetween<float, 11>(transform, of_b, of_a);
    return OfElements(of_a, of_b, a_to_b, b_to_a, side, weights, options);
  }
  const auto a_to_b = SquaresBetween<int32_t, 10>(transform, of_a, of_b);
  const auto b_to_a = SquaresBetween<int32_t, 11>(transform, of_b, of_a);
  const int32_t farthest = std::max(*std::max_element(a_to_b.begin(), a_to_b.end()),
                                    *std::max_element(b_to_a.begin(), b_to_a.end()));
  // Few surface pixels far apart would leave most counts empty.
  const auto elements = static_cast<int64_t>(a_to_b.size() + b_to_a.size());
  if (weights.empty() && farthest <= 16 * elements + 4096)
    return OfCounts(a_to_b, b_to_a, side, farthest, options);
  return OfElements(of_a, of_b, a_to_b, b_to_a, side, weights, options);
}

}  // namespace

namespace cpu {

void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out) {
  const auto count = static_cast<size_t>(grid.Count());
  Require(a.size() == count, "a: expected ", count, " elements, got ", a.size());
  Require(b.size() == count, "b: expected ", count, " elements, got ", b.size());
  Require(out.size() == static_cast<size_t>(grid.batch), "out: expected ", grid.batch, " results, got ",
          out.size());
  Require(options.tolerance >= 0, "tolerance: expected at least 0, got ", options.tolerance);
  for (int axis = 0; axis < grid.rank; ++axis) {
    Require(options.spacing[axis] > 0 && std::isfinite(options.spacing[axis]),
            "spacing: expected positive finite numbers, got ", options.spacing[axis]);
  }
  std::vector<double> weights;
  if (options.convention == SurfaceConvention::kDeepMind)
    weights = SurfaceElementSizes(grid.rank, options.spacing);
  ParallelFor(grid.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      const int64_t at = image * grid.Pixels();
      out[static_cast<size_t>(image)] = Measure(a.data() + at, b.data() + at, grid, options, weights);
    }
  });
}

}  // namespace cpu
}  // namespace pixelcal
