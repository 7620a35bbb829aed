// One transform per class, not two: d(p, c), the distance to class c, is the outside distance, and the inside
// distance of p's own class is the least d(p, c') over the other classes that are present. This happens band
// by band while they are in cache (grid_distance.cc), with unit spacing on squared integers; one last pass
// takes roots and normalises. Time and memory are linear in the size of the result.
#include "distance/signed_distance.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "base/parallel.h"
#include "base/scratch.h"
#include "distance/class_distances.h"
#include "distance/edt.h"
#include "distance/signed_distance_loops.h"
#include "labels/bad_pixels.h"

namespace pixelcal {
namespace {

using internal::Extent;

constexpr int64_t kGrain = 1 << 14;  // pixels

struct Extremes {
  float outside = 0, inside = 0;  // largest distance on either side
};

// A maximum is the same in any order, hence at any thread count.
Extremes FindExtremes(const float* values, int64_t count) {
  const int64_t chunks = (count + kGrain - 1) / kGrain;
  auto* parts = Scratch<Extremes, struct ChunkExtremes>(static_cast<size_t>(chunks));
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
    Extremes& part = parts[begin / kGrain];
    SignedDistanceLoops().extremes(values + begin, end - begin, &part.outside, &part.inside);
  });
  Extremes all;
  for (int64_t i = 0; i < chunks; ++i) {
    all.outside = std::max(all.outside, parts[i].outside);
    all.inside = std::max(all.inside, parts[i].inside);
  }
  return all;
}

simd::Scale ScaleOf(const SignedDistanceOptions& options, Extremes extremes) {
  simd::Scale scale{std::numeric_limits<float>::infinity(), 1, 1};
  switch (options.normalize) {
    case Normalize::kNone:
      break;
    case Normalize::kTruncate:
      scale.limit = scale.outside = scale.inside = static_cast<float>(options.truncate);
      break;
    case Normalize::kMax:
      // In NumPy 2, float32 + the Python float 1e-6 stays float32.
      scale.outside = scale.inside = std::max(extremes.outside, extremes.inside) + 1e-6f;
      break;
    case Normalize::kSplit:
      if (extremes.outside > 0) scale.outside = extremes.outside;
      if (extremes.inside > 0) scale.inside = extremes.inside;
      break;
  }
  return scale;
}

void NormalizeClass(float* values, int64_t pixels, const SignedDistanceOptions& options) {
  if (options.normalize == Normalize::kNone) return;
  const simd::Scale scale = ScaleOf(options, FindExtremes(values, pixels));
  ParallelFor(pixels, kGrain, [&](int64_t begin, int64_t end) {
    SignedDistanceLoops().scale(values + begin, end - begin, scale);
  });
}

// Computes signed distances to the classes that are part of their images.
void SignParts(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
               const internal::ClassMaps& classes_of, float* out) {
  const int64_t pixels = grid.Pixels(), classes = options.classes, maps = grid.batch * classes;
  const Extent* const extents = classes_of.extents;
  const internal::GridDistance transform(grid, options.spacing);
  const auto form = transform.integers() ? internal::Form::kInteger : internal::Form::kRoot;
  const int64_t bands = transform.bands();
  // The largest square (or bits of a distance) outside and inside, per map and band.
  auto* largest = Scratch<std::array<int32_t, 2>, struct BandExtremes>(static_cast<size_t>(maps * bands));

  const auto sign = [&](int64_t image, int64_t band) {
    const int64_t begin = transform.band_begin(band), count = transform.band_begin(band + 1) - begin;
    auto** squares = Scratch<int32_t*, struct ClassSquares>(static_cast<size_t>(classes));
    auto** most = Scratch<int32_t*, struct ClassExtremes>(static_cast<size_t>(classes));
    int64_t parts = 0;
    for (int64_t map = image * classes; map < (image + 1) * classes; ++map) {
      if (extents[map] != Extent::kPart) continue;
      squares[parts] = reinterpret_cast<int32_t*>(out + map * pixels + begin);
      most[parts++] = largest[map * bands + band].data();
    }
    if (parts > 0) SignedDistanceLoops().sign(squares, parts, count, most);
  };
  internal::ClassDistances(labels, grid, classes, std::nullopt, transform, classes_of, form, out, sign);

  auto* scales = Scratch<simd::Scale, struct MapScales>(static_cast<size_t>(maps));
  for (int64_t map = 0; map < maps; ++map) {
    if (extents[map] != Extent::kPart) continue;
    std::array<int32_t, 2> most{0, 0};
    for (int64_t i = map * bands; i < (map + 1) * bands; ++i)
      for (size_t side = 0; side < 2; ++side) most[side] = std::max(most[side], largest[i][side]);
    const auto distance = [&](int32_t value) {
      return transform.integers() ? static_cast<float>(std::sqrt(static_cast<double>(value)))
                                  : std::bit_cast<float>(value);
    };
    scales[map] = ScaleOf(options, {distance(most[0]), distance(most[1])});
  }
  // With two classes, one lies where the other does not.
  const bool mirrored = classes == 2;
  const int64_t chunks = (pixels + kGrain - 1) / kGrain;
  ParallelFor((mirrored ? grid.batch : maps) * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t map = task / chunks * (mirrored ? 2 : 1), at = task % chunks * kGrain;
      if (extents[map] != Extent::kPart) continue;
      float* values = out + map * pixels + at;
      const int64_t count = std::min(kGrain, pixels - at);
      if (transform.integers())
        SignedDistanceLoops().scale_squares(values, count, transform.diagonal() >= 1 << 24, scales[map]);
      else
        SignedDistanceLoops().scale_bits(values, count, scales[map]);
      if (mirrored) std::transform(values, values + count, values + pixels, std::negate<>());
    }
  });
}

// Fills a class without a boundary under Absent::kReference: the ramp of distances to the virtual point.
void FillRamp(const Grid& grid, const SignedDistanceOptions& options, bool full, float* values) {
  const internal::GridDistance transform(grid, options.spacing);
  const auto& spacing = options.spacing;
  if (!transform.integers() ||
      std::any_of(spacing.begin(), spacing.begin() + grid.rank, [](double s) { return s != 1; })) {
    internal::FillWithoutZero(grid, {.spacing = spacing, .no_zero = NoZero::kReference}, values);
    if (full) std::transform(values, values + grid.Pixels(), values, std::negate<>());
    return NormalizeClass(values, grid.Pixels(), options);
  }
  const std::array<int64_t, 3> sides = grid.DepthHeightWidth();
  const int64_t depth = sides[0], height = sides[1], width = sides[2];
  std::array<int64_t, 3> before{0, 0, 0};
  before[static_cast<size_t>(3 - grid.rank)] = 1;
  const auto row_square = [&](int64_t row) {
    const int64_t z = row / height + before[0], y = row % height + before[1];
    return z * z + y * y;
  };
  const int64_t end = width - 1 + before[2], most = row_square(depth * height - 1) + end * end;
  const auto farthest = static_cast<float>(std::sqrt(static_cast<double>(most)));
  const simd::Scale scale = ScaleOf(options, full ? Extremes{0, farthest} : Extremes{farthest, 0});
  ParallelFor(depth * height, internal::Grain(width), [&](int64_t begin, int64_t last) {
    for (int64_t row = begin; row < last; ++row) {
      float* to = values + row * width;
      const int64_t square = row_square(row);
      for (int64_t x = 0; x < width; ++x) {
        const auto sum = static_cast<int32_t>(square + (x + before[2]) * (x + before[2]));
        to[x] = std::bit_cast<float>(full ? -sum : sum);
      }
      SignedDistanceLoops().scale_squares(to, width, most >= 1 << 24, scale);
    }
  });
}

// Fills the classes without a boundary.
void FillExtremes(const Grid& grid, const SignedDistanceOptions& options, const Extent* extents, float* out) {
  double diagonal = 0;
  for (int axis = 0; axis < grid.rank; ++axis)
    diagonal += std::pow(static_cast<double>(grid.size[axis]) * options.spacing[axis], 2);
  const auto far = options.normalize == Normalize::kNone ? static_cast<float>(std::sqrt(diagonal)) : 1.0f;
  for (int64_t map = 0; map < grid.batch * options.classes; ++map) {
    const bool full = extents[map] == Extent::kFull;
    float* values = out + map * grid.Pixels();
    if (extents[map] == Extent::kPart)
      continue;
    else if (options.absent == Absent::kFar)
      std::fill_n(values, grid.Pixels(), full ? -far : far);
    else
      FillRamp(grid, options, full, values);
  }
}

}  // namespace

void CheckSignedDistance(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                         std::span<const float> out) {
  const int64_t count = grid.Count(), classes = options.classes;
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(Size(labels) == count, "labels: expected ", count, " elements, got ", Size(labels));
  Require(std::ssize(out) == CheckedProduct(count, classes), "out: expected ", CheckedProduct(count, classes),
          " elements, got ", out.size());
  Require(
      options.normalize != Normalize::kTruncate || (options.truncate > 0 && std::isfinite(options.truncate)),
      "truncate: expected a positive number, got ", options.truncate);
}

namespace cpu {

void SignedDistance(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                    std::span<float> out) {
  CheckSignedDistance(labels, grid, options, out);
  const internal::ClassMaps maps = internal::ReadClasses(labels, grid, options.classes, std::nullopt);
  SignParts(labels, grid, options, maps, out.data());
  FillExtremes(grid, options, maps.extents, out.data());
}

}  // namespace cpu
}  // namespace pixelcal
