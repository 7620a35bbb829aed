// Masks are packed, from bytes or from label maps (surface/region_masks.h), and cropped to the box around
// both. The distances of one surface's elements to the other are read from the exact distance transform of
// the other surface; only tiles that hold such elements are finished in its last pass. O(pixels of the box).
#include "surface/surface_distance.h"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <vector>

#include "base/parallel.h"
#include "base/scratch.h"
#include "distance/edt.h"
#include "morphology/bit_loops.h"
#include "surface/region_masks.h"
#include "surface/surface.h"
#include "surface/surface_measures.h"

namespace pixelcal {
namespace {

// The tags of scratch in templates.
struct WantedTiles;
struct BandBegins;
struct TransformSquares;
struct AToB;
struct BToA;

// Copies the values at the surface's places in the rows [first, last), in order; returns the end of `to`.
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
  const uint64_t* bits = surface.bits + first * surface.RowWords();
  return BitsLoops().count(bits, bits, (last - first) * surface.RowWords());
}

// Marks the transform's tiles that hold places of the surface.
void MarkTiles(const internal::GridDistance& transform, const Surface& surface, uint8_t* wanted) {
  constexpr int64_t kTiles = 64 / simd::kTileColumns;  // tiles per word
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

// Returns for each place of `from` the squared distance to the nearest of `to`, in scratch of `Tag`: int32 if
// the transform has integers(), else double.
template <class T, class Tag>
std::span<const T> SquaresBetween(const internal::GridDistance& transform, const Surface& from,
                                  const Surface& to) {
  constexpr auto kForm = std::is_same_v<T, int32_t> ? internal::Form::kInteger : internal::Form::kDouble;
  const internal::Sites sites{to.code, 0, false};
  auto* wanted = Scratch<uint8_t, WantedTiles>(static_cast<size_t>(transform.tiles()));
  MarkTiles(transform, from, wanted);
  auto* begins = Scratch<int64_t, BandBegins>(static_cast<size_t>(transform.bands() + 1));
  const auto row_of = [&](int64_t band) { return transform.band_begin(band) / from.size[2]; };
  begins[0] = 0;
  for (int64_t band = 0; band < transform.bands(); ++band)
    begins[band + 1] = begins[band] + CountPlaces(from, row_of(band), row_of(band + 1));
  const int64_t count = begins[transform.bands()];
  auto* list = Scratch<T, Tag>(static_cast<size_t>(count));
  auto* squares = Scratch<T, TransformSquares>(static_cast<size_t>(transform.pixels()));
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

// Returns the codes of the surface's elements, if weights need them.
template <class Tag>
std::span<const uint8_t> CodesOf(const Surface& surface, size_t count, std::span<const double> weights) {
  if (weights.empty()) return {};
  auto* codes = Scratch<uint8_t, Tag>(count);
  Gather(surface, 0, surface.Rows(), surface.code, codes);
  return {codes, count};
}

template <class T>
SurfaceMeasures MeasureBetween(const internal::GridDistance& transform, const Surface& of_a,
                               const Surface& of_b, double side, std::span<const double> weights,
                               const SurfaceOptions& options) {
  const auto a_to_b = SquaresBetween<T, AToB>(transform, of_a, of_b);
  const auto b_to_a = SquaresBetween<T, BToA>(transform, of_b, of_a);
  return MeasureSquares<T>({a_to_b, CodesOf<AToB>(of_a, a_to_b.size(), weights)},
                           {b_to_a, CodesOf<BToA>(of_b, b_to_a.size(), weights)}, side, weights, options);
}

SurfaceMeasures Measure(const RegionMasks& masks, const Grid& grid, const SurfaceOptions& options,
                        std::span<const double> weights) {
  const Dhw dhw = grid.DepthHeightWidth();
  Box box;
  const bool any_a = GrowBox(masks.predicted, dhw, box), any_b = GrowBox(masks.labels, dhw, box);
  // Surrounded by ignored pixels a mask may have no surface, which shows below.
  if ((!any_a && !any_b) || (!masks.ignored && (!any_a || !any_b)))
    return MeasuresWhenEmpty(!any_a && !any_b, grid, options);
  if (masks.ignored) WidenBox(dhw, box);

  const auto surface_of = [&](const uint64_t* bits, Side side) {
    return options.convention == SurfaceConvention::kDeepMind
               ? SurfaceCorners(bits, masks.ignored, dhw, box, grid.rank, side)
               : SurfacePixels(bits, masks.ignored, dhw, box, grid.rank,
                               options.convention == SurfaceConvention::kReference, side);
  };
  const Surface of_a = surface_of(masks.predicted, Side::kA), of_b = surface_of(masks.labels, Side::kB);
  if (masks.ignored) {
    const bool none_a = CountPlaces(of_a, 0, of_a.Rows()) == 0,
               none_b = CountPlaces(of_b, 0, of_b.Rows()) == 0;
    if (none_a || none_b) return MeasuresWhenEmpty(none_a && none_b, grid, options);
  }
  const Grid places = GridOf(of_a.size, grid.rank);
  const auto [spacing, side] = ScaleOf(places, options.spacing);
  const internal::GridDistance transform(places, spacing, internal::Output::kExact);
  return transform.integers() ? MeasureBetween<int32_t>(transform, of_a, of_b, side, weights, options)
                              : MeasureBetween<double>(transform, of_a, of_b, side, weights, options);
}

}  // namespace

namespace cpu {

void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out) {
  const std::vector<double> weights = CheckSurfaces(a, b, grid, options, out);
  const Dhw dhw = grid.DepthHeightWidth();
  ParallelFor(grid.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      const int64_t at = image * grid.Pixels();
      const RegionMasks masks{PackImage(a.data() + at, dhw, Side::kA),
                              PackImage(b.data() + at, dhw, Side::kB), nullptr};
      out[static_cast<size_t>(image)] = Measure(masks, grid, options, weights);
    }
  });
}

void LabelSurfaceDistances(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                           const SurfaceRegions& regions, const SurfaceOptions& options,
                           std::span<SurfaceMeasures> out) {
  CheckLabelSurfaces(predicted, labels, grid, regions, options, out);
  CheckLabelMaps(predicted, labels, grid.Count(), regions.classes, regions.ignore);
  CheckedSurfaceDistances(predicted, labels, grid, regions, options, out);
}

void CheckedSurfaceDistances(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                             const SurfaceRegions& regions, const SurfaceOptions& options,
                             std::span<SurfaceMeasures> out) {
  const std::vector<double> weights = CheckLabelSurfaces(predicted, labels, grid, regions, options, out);
  const Dhw dhw = grid.DepthHeightWidth();
  const int64_t count = std::ssize(regions.sets);
  ParallelFor(grid.batch * count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const auto region = static_cast<size_t>(item % count);
      const RegionMasks masks = PackRegion(predicted, labels, item / count * grid.Pixels(), dhw,
                                           regions.sets[region], regions.classes, regions.ignore);
      out[static_cast<size_t>(item)] = Measure(masks, grid, OptionsOf(regions, region, options), weights);
    }
  });
}

}  // namespace cpu
}  // namespace pixelcal
