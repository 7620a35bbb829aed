// Distances to all classes, then their targets in the same memory, band by band while in cache
// (class_distances.cc). Only pixels within some forty scales of a border need exponentials. O(classes x
// pixels) time and memory.
#include "soft_labels/boundary_soft_labels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "distance/class_distances.h"
#include "labels/bad_pixels.h"
#include "soft_labels/boundary_fade_loops.h"

namespace pixelcal {
namespace {

using internal::Extent;

// An image of one class, or of ignored pixels alone, has no border.
template <class Label>
void FillHard(std::span<const Label> labels, std::optional<int64_t> ignore, int64_t classes,
              const Extent* extents, const internal::BoundaryFade& fade, float* out) {
  const auto pixels = std::ssize(labels);
  ParallelFor(pixels, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t c = 0; c < classes; ++c) {
      const float value = (extents[c] == Extent::kFull ? fade.keep : 0.0f) + fade.floor;
      float* to = out + c * pixels;
      for (int64_t i = begin; i < end; ++i)
        to[i] = ignore && static_cast<int64_t>(labels[static_cast<size_t>(i)]) == *ignore ? 0.0f : value;
    }
  });
}

}  // namespace

namespace internal {

BoundaryFade FadeOf(const BoundarySoftLabelOptions& options, int rank) {
  const double least = *std::min_element(options.spacing.begin(), options.spacing.begin() + rank);
  const double width = 2 * options.scale * least;
  return {static_cast<float>(least / 2),
          width > 0 ? static_cast<float>(1 / width) : std::numeric_limits<float>::infinity(),
          static_cast<float>(1 - options.floor),
          static_cast<float>(options.floor / static_cast<double>(options.classes))};
}

}  // namespace internal

void CheckBoundarySoftLabels(const LabelSpan& labels, const Grid& grid,
                             const BoundarySoftLabelOptions& options, std::span<const float> out) {
  const int64_t count = grid.Count(), classes = options.classes;
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(Size(labels) == count, "labels: expected ", count, " elements, got ", Size(labels));
  Require(std::ssize(out) == CheckedProduct(count, classes), "out: expected ", CheckedProduct(count, classes),
          " elements, got ", out.size());
  Require(options.scale >= 0 && std::isfinite(options.scale), "scale: expected a number of at least 0, got ",
          options.scale);
  Require(options.floor >= 0 && options.floor < 1, "floor: expected a number from 0 to below 1, got ",
          options.floor);
}

namespace cpu {

void BoundarySoftLabels(const LabelSpan& labels, const Grid& grid, const BoundarySoftLabelOptions& options,
                        std::span<float> out) {
  CheckBoundarySoftLabels(labels, grid, options, out);
  const int64_t pixels = grid.Pixels(), classes = options.classes;
  const internal::BoundaryFade fade = internal::FadeOf(options, grid.rank);
  const internal::ClassMaps maps = internal::ReadClasses(labels, grid, classes, options.ignore);
  const internal::GridDistance transform(grid, options.spacing);
  const bool squares = transform.integers();
  const auto form = squares ? internal::Form::kInteger : internal::Form::kRoot;

  const auto soften = [&](int64_t image, int64_t band) {
    const int64_t begin = transform.band_begin(band), count = transform.band_begin(band + 1) - begin;
    auto** present = Scratch<float*, struct PresentClasses>(static_cast<size_t>(classes));
    auto** absent = Scratch<float*, struct AbsentClasses>(static_cast<size_t>(classes));
    int64_t parts = 0, others = 0;
    for (int64_t map = image * classes; map < (image + 1) * classes; ++map) {
      float* at = out.data() + map * pixels + begin;
      if (maps.extents[map] == Extent::kPart)
        present[parts++] = at;
      else
        absent[others++] = at;
    }
    if (parts > 0)
      BoundaryFadeLoops().soften(present, parts, absent, others, count, squares,
                                 {fade.half, fade.rate, fade.keep, fade.floor, internal::kFadedOut});
  };
  internal::ClassDistances(labels, grid, classes, options.ignore, transform, maps, form, out.data(), soften);

  for (int64_t image = 0; image < grid.batch; ++image) {
    const Extent* extents = maps.extents + image * classes;
    if (std::find(extents, extents + classes, Extent::kPart) != extents + classes) continue;
    const auto fill = [&](auto span) {
      FillHard(span.subspan(static_cast<size_t>(image * pixels), static_cast<size_t>(pixels)), options.ignore,
               classes, extents, fade, out.data() + image * classes * pixels);
    };
    std::visit(fill, labels);
  }
}

}  // namespace cpu
}  // namespace pixelcal
