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
#include "distance/edt.h"
#include "distance/signed_distance_loops.h"
#include "labels/bad_pixels.h"

namespace pixelcal {
namespace {

constexpr int64_t kGrain = 1 << 14;    // pixels
constexpr int64_t kWordClasses = 64;   // classes that are bits of a word
constexpr int64_t kByteClasses = 255;  // classes that a byte tells apart, one value being "another class"

// Where a class is in an image.
enum class Extent : uint8_t { kNone, kPart, kFull };

// The only class of an image fills it.
void MarkFull(int64_t images, int64_t classes, Extent* extents) {
  for (int64_t image = 0; image < images; ++image) {
    Extent* of = extents + image * classes;
    if (std::count(of, of + classes, Extent::kPart) == 1)
      std::replace(of, of + classes, Extent::kPart, Extent::kFull);
  }
}

bool Scan(const uint8_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  return SignedDistanceLoops().scan8(labels, count, classes, bytes, seen);
}
bool Scan(const int32_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  return SignedDistanceLoops().scan32(labels, count, classes, bytes, seen);
}
bool Scan(const int64_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  return SignedDistanceLoops().scan64(labels, count, classes, bytes, seen);
}

// extents[image * classes + c]; labels outside [0, classes) go to `bad`. With up to kWordClasses classes it
// writes the labels as bytes on the way, unless `bytes` is null.
template <class Label>
void FindExtents(std::span<const Label> labels, int64_t images, int64_t pixels, int64_t classes,
                 uint8_t* bytes, Extent* extents, BadPixels& bad) {
  std::fill_n(extents, images * classes, Extent::kNone);
  const auto is_class = [&](int64_t i) {
    const auto label = static_cast<int64_t>(labels[static_cast<size_t>(i)]);
    const bool valid = label >= 0 && label < classes;
    if (!valid) bad.Add(i);
    return valid;
  };
  if (classes > kWordClasses) {
    ParallelFor(images, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * pixels; i < end * pixels; ++i) {
        if (!is_class(i)) continue;
        extents[i / pixels * classes + static_cast<int64_t>(labels[static_cast<size_t>(i)])] = Extent::kPart;
      }
    });
    MarkFull(images, classes, extents);
    return;
  }
  const int64_t chunks = (pixels + kGrain - 1) / kGrain;
  auto* seen = Scratch<uint64_t, 9>(static_cast<size_t>(images * chunks));
  ParallelFor(images * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t at = task % chunks * kGrain, first = task / chunks * pixels + at;
      const int64_t count = std::min(kGrain, pixels - at);
      if (Scan(labels.data() + first, count, classes, bytes ? bytes + first : nullptr, &seen[task])) continue;
      for (int64_t i = first; i < first + count; ++i) is_class(i);
    }
  });
  for (int64_t task = 0; task < images * chunks; ++task)
    for (int64_t c = 0; c < classes; ++c)
      if (seen[task] >> c & 1) extents[task / chunks * classes + c] = Extent::kPart;
  MarkFull(images, classes, extents);
}

struct Extremes {
  float outside = 0, inside = 0;  // largest distance on either side
};

// A maximum does not depend on the order it is taken in, so neither does it on the threads.
Extremes FindExtremes(const float* values, int64_t count) {
  const int64_t chunks = (count + kGrain - 1) / kGrain;
  auto* parts = Scratch<Extremes, 9>(static_cast<size_t>(chunks));
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
      // float32 + the weak Python float 1e-6 stays float32 in NumPy 2.
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

// The labels [first, first + kByteClasses) as bytes from 0 on, others as kByteClasses.
template <class Label>
void Narrow(std::span<const Label> labels, int64_t first, uint8_t* bytes) {
  ParallelFor(static_cast<int64_t>(labels.size()), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t label = static_cast<int64_t>(labels[static_cast<size_t>(i)]) - first;
      bytes[i] = static_cast<uint8_t>(label >= 0 && label < kByteClasses ? label : kByteClasses);
    }
  });
}

// Signed distances to the classes that are part of their images. `bytes` are the labels as bytes; where there
// are too many classes for that, `memory` is room for as many bytes, which are made here for one group of
// classes after the other.
template <class Label>
void SignParts(std::span<const Label> labels, const Grid& grid, const SignedDistanceOptions& options,
               const uint8_t* bytes, uint8_t* memory, const Extent* extents, float* out) {
  const int64_t pixels = grid.Pixels(), classes = options.classes, maps = grid.batch * classes;
  const internal::GridDistance transform(grid, options.spacing);
  const auto form = transform.integers() ? internal::Form::kInteger : internal::Form::kRoot;
  const int64_t bands = transform.bands();
  // Per map and band the largest square (or bits of a distance) outside and inside.
  auto* largest = Scratch<std::array<int32_t, 2>, 9>(static_cast<size_t>(maps * bands));

  const auto sign = [&](int64_t image, int64_t band) {
    const int64_t begin = transform.band_begin(band), count = transform.band_begin(band + 1) - begin;
    auto** squares = Scratch<int32_t*, 9>(static_cast<size_t>(classes));
    auto** most = Scratch<int32_t*, 10>(static_cast<size_t>(classes));
    int64_t parts = 0;
    for (int64_t map = image * classes; map < (image + 1) * classes; ++map) {
      if (extents[map] != Extent::kPart) continue;
      squares[parts] = reinterpret_cast<int32_t*>(out + map * pixels + begin);
      most[parts++] = largest[map * bands + band].data();
    }
    if (parts > 0) SignedDistanceLoops().sign(squares, parts, count, most);
  };
  for (int64_t first = 0; first < classes; first += kByteClasses) {
    const int64_t last = std::min(classes, first + kByteClasses);
    if (memory) Narrow(labels, first, memory);
    const auto for_each = [&](int64_t tasks, const auto& body, const auto& after) {
      const int64_t grain = internal::Grain(pixels / tasks * (last - first));
      ParallelFor(grid.batch * tasks, grain, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
          const int64_t image = task / tasks, i = task % tasks;
          for (int64_t c = first; c < last; ++c) {
            const int64_t map = image * classes + c;
            if (extents[map] != Extent::kPart) continue;
            body(internal::Sites{bytes + image * pixels, static_cast<uint8_t>(c - first), true}, i,
                 out + map * pixels);
          }
          after(image, i);
        }
      });
    };
    for_each(
        transform.sweeps(),
        [&](const internal::Sites& sites, int64_t i, float* to) { transform.Sweep(sites, i, to); },
        [](int64_t, int64_t) {});
    // After the last class of a band its squares are still in cache.
    for_each(
        bands,
        [&](const internal::Sites& sites, int64_t i, float* to) { transform.Finish(sites, i, form, to); },
        [&](int64_t image, int64_t band) {
          if (last == classes) sign(image, band);
        });
  }

  auto* scales = Scratch<simd::Scale, 9>(static_cast<size_t>(maps));
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
  // Of two classes, one lies where the other does not.
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

// A class without a boundary, with Absent::kReference: the ramp of distances to the virtual point.
void FillRamp(const Grid& grid, const SignedDistanceOptions& options, bool full, float* values) {
  const internal::GridDistance transform(grid, options.spacing);
  const auto& spacing = options.spacing;
  if (!transform.integers() ||
      std::any_of(spacing.begin(), spacing.begin() + grid.rank, [](double s) { return s != 1; })) {
    internal::FillWithoutZero(grid, {.spacing = spacing, .no_zero = NoZero::kReference}, values);
    if (full) std::transform(values, values + grid.Pixels(), values, std::negate<>());
    return NormalizeClass(values, grid.Pixels(), options);
  }
  const auto [depth, height, width] = grid.DepthHeightWidth();
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

// Classes without a boundary.
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

template <class Label>
void Compute(std::span<const Label> labels, const Grid& grid, const SignedDistanceOptions& options,
             float* out) {
  const int64_t pixels = grid.Pixels(), classes = options.classes, maps = grid.batch * classes;
  uint8_t* memory = nullptr;
  const uint8_t* bytes = nullptr;
  if constexpr (sizeof(Label) == 1) bytes = classes <= kByteClasses ? labels.data() : nullptr;
  if (!bytes) bytes = memory = Scratch<uint8_t, 10>(labels.size());
  const bool narrowed = classes <= kWordClasses;
  auto* extents = Scratch<Extent, 9>(static_cast<size_t>(maps));
  BadPixels bad;
  FindExtents(labels, grid.batch, pixels, classes, narrowed ? memory : nullptr, extents, bad);
  if (bad.count > 0)
    RejectLabels("labels", bad, static_cast<int64_t>(labels[static_cast<size_t>(bad.first)]), classes);
  SignParts(labels, grid, options, bytes, narrowed ? nullptr : memory, extents, out);
  FillExtremes(grid, options, extents, out);
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
  std::visit([&](auto span) { Compute(span, grid, options, out.data()); }, labels);
}

}  // namespace cpu
}  // namespace pixelcal
