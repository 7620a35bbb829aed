// One transform per class, not two: d(p, c), the distance to class c, is the outside distance, and the inside
// distance of p's own class is the least d(p, c') over the other classes.
#include "kernels/signed_distance.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/distance_passes.h"
#include "parallel.h"
#include "targets.h"

namespace pixelcal {
namespace {

constexpr int64_t kGrain = 1 << 14;  // pixels

// Pixels per image and class; throws on a label outside [0, classes).
template <class Label>
std::vector<int64_t> CountClasses(std::span<const Label> labels, int64_t images, int64_t pixels,
                                  int64_t classes) {
  std::vector<int64_t> counts(static_cast<size_t>(images * classes), 0);
  ParallelFor(images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      int64_t* count = counts.data() + image * classes;
      for (int64_t i = image * pixels; i < (image + 1) * pixels; ++i) {
        const auto label = static_cast<int64_t>(labels[static_cast<size_t>(i)]);
        if (label < 0 || label >= classes) [[unlikely]]
          Require(false, "labels: expected values from 0 to ", classes - 1, ", got ", label, " at index ", i);
        ++count[label];
      }
    }
  });
  return counts;
}

// Turns the distances to every class of one image into signed ones, for pixels [begin, end). `others` are the
// classes that may be nearest to a pixel inside another one.
template <class Label>
void SignPixels(const Label* labels, int64_t pixels, std::span<const int64_t> others, int64_t begin,
                int64_t end, float* out) {
  constexpr int64_t kBlock = 1024;
  float inside[kBlock];
  for (int64_t first = begin; first < end; first += kBlock) {
    const int64_t count = std::min(kBlock, end - first);
    std::fill_n(inside, count, std::numeric_limits<float>::infinity());
    for (const int64_t c : others) {
      const float* distance = out + c * pixels + first;
      const auto other = static_cast<Label>(c);
      for (int64_t i = 0; i < count; ++i) {
        const bool nearer = (labels[first + i] != other) & (distance[i] < inside[i]);
        inside[i] = nearer ? distance[i] : inside[i];
      }
    }
    for (int64_t i = 0; i < count; ++i)
      out[static_cast<int64_t>(labels[first + i]) * pixels + first + i] = -inside[i];
  }
}

struct Extremes {
  float outside = 0, inside = 0;  // largest distance on either side
};

PIXELCAL_TARGETS void FindExtremes(const float* values, int64_t count, float* outside, float* inside) {
  float most = 0, least = 0;
#pragma omp simd reduction(max : most) reduction(min : least)
  for (int64_t i = 0; i < count; ++i) {
    most = values[i] > most ? values[i] : most;
    least = values[i] < least ? values[i] : least;
  }
  *outside = most;
  *inside = -least;
}

// A maximum does not depend on the order it is taken in, so neither does it on the threads.
Extremes FindExtremes(const float* values, int64_t count) {
  std::vector<Extremes> parts(static_cast<size_t>((count + kGrain - 1) / kGrain));
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
    Extremes& part = parts[static_cast<size_t>(begin / kGrain)];
    FindExtremes(values + begin, end - begin, &part.outside, &part.inside);
  });
  Extremes all;
  for (const Extremes& part : parts) {
    all.outside = std::max(all.outside, part.outside);
    all.inside = std::max(all.inside, part.inside);
  }
  return all;
}

PIXELCAL_TARGETS void DivideSides(float* values, int64_t count, float outside, float inside) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) values[i] = values[i] / (values[i] > 0 ? outside : inside);
}

PIXELCAL_TARGETS void ClipAndDivide(float* values, int64_t count, float limit) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const float above = values[i] < limit ? values[i] : limit;
    values[i] = (above > -limit ? above : -limit) / limit;
  }
}

void NormalizeClass(float* values, int64_t pixels, const SignedDistanceOptions& options) {
  float outside = 1, inside = 1;
  switch (options.normalize) {
    case Normalize::kNone:
      return;
    case Normalize::kTruncate:
      ParallelFor(pixels, kGrain, [&](int64_t begin, int64_t end) {
        ClipAndDivide(values + begin, end - begin, static_cast<float>(options.truncate));
      });
      return;
    case Normalize::kMax: {
      const Extremes extremes = FindExtremes(values, pixels);
      // float32 + the weak Python float 1e-6 stays float32 in NumPy 2.
      outside = inside = std::max(extremes.outside, extremes.inside) + 1e-6f;
      break;
    }
    case Normalize::kSplit: {
      const Extremes extremes = FindExtremes(values, pixels);
      outside = extremes.outside > 0 ? extremes.outside : 1;
      inside = extremes.inside > 0 ? extremes.inside : 1;
      break;
    }
  }
  ParallelFor(pixels, kGrain,
              [&](int64_t begin, int64_t end) { DivideSides(values + begin, end - begin, outside, inside); });
}

template <class Label>
void Compute(std::span<const Label> labels, const Grid& grid, const SignedDistanceOptions& options,
             float* out) {
  const int64_t pixels = grid.Pixels(), classes = options.classes, maps = grid.batch * classes;
  const std::vector<int64_t> counts = CountClasses(labels, grid.batch, pixels, classes);
  std::vector<uint8_t> present(counts.size());
  for (size_t i = 0; i < counts.size(); ++i) present[i] = counts[i] > 0;

  const DistanceOptions distance{options.spacing, false, NoZero::kReference};
  const internal::DistancePlan plan = internal::MakePlan(maps, grid, distance);
  internal::SweepSlowestAxis(
      plan,
      [&](int64_t map) {
        return [at = labels.data() + map / classes * pixels,
                c = static_cast<Label>(map % classes)](int64_t pixel) { return at[pixel] == c; };
      },
      out);
  internal::FinishDistances(plan, out);
  internal::FillWithoutZero(grid, distance, present, out);

  const int64_t chunks = (pixels + kGrain - 1) / kGrain;
  ParallelFor(grid.batch * chunks, 1, [&](int64_t begin, int64_t end) {
    std::vector<int64_t> others;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / chunks, first = (task % chunks) * kGrain;
      others.clear();
      for (int64_t c = 0; c < classes; ++c)
        if (present[static_cast<size_t>(image * classes + c)]) others.push_back(c);
      if (others.size() == 1) {
        // It fills the image and measures to the virtual point, as any absent class does.
        if (classes == 1) continue;
        others = {others[0] == 0 ? 1 : 0};
      }
      SignPixels(labels.data() + image * pixels, pixels, others, first, std::min(pixels, first + kGrain),
                 out + image * classes * pixels);
    }
  });
  if (classes == 1) {
    internal::FillWithoutZero(grid, distance, std::vector<uint8_t>(static_cast<size_t>(maps), 0), out);
    for (int64_t i = 0; i < maps * pixels; ++i) out[i] = -out[i];
  }

  double diagonal = 0;
  for (int axis = 0; axis < grid.rank; ++axis)
    diagonal += std::pow(static_cast<double>(grid.size[axis]) * options.spacing[axis], 2);
  const auto far = options.normalize == Normalize::kNone ? static_cast<float>(std::sqrt(diagonal)) : 1.0f;
  ParallelFor(maps, 1, [&](int64_t begin, int64_t end) {
    for (int64_t map = begin; map < end; ++map) {
      const int64_t count = counts[static_cast<size_t>(map)];
      if (options.absent == Absent::kFar && (count == 0 || count == pixels))
        std::fill_n(out + map * pixels, pixels, count == 0 ? far : -far);
      else
        NormalizeClass(out + map * pixels, pixels, options);
    }
  });
}

}  // namespace

namespace cpu {

void SignedDistance(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                    std::span<float> out) {
  const int64_t count = grid.Count();
  Require(options.classes >= 1 && options.classes <= 32767, "classes: expected 1 to 32767, got ",
          options.classes);
  Require(Size(labels) == count, "labels: expected ", count, " elements, got ", Size(labels));
  Require(static_cast<int64_t>(out.size()) == CheckedProduct(count, options.classes), "out: expected ",
          count * options.classes, " elements, got ", out.size());
  Require(
      options.normalize != Normalize::kTruncate || (options.truncate > 0 && std::isfinite(options.truncate)),
      "truncate: expected a positive number, got ", options.truncate);
  std::visit([&](auto span) { Compute(span, grid, options, out.data()); }, labels);
}

}  // namespace cpu
}  // namespace pixelcal
