// Soft labels from label maps: class masks -> optional morphology -> aggregation over the window ->
// normalisation.
//
// Class frequencies (NACL, Liu et al. 2023), Gaussian neighbours (SVLS, Islam and Glocker 2021) and the
// adaptive target of signed-distance calibration are all linear windows over one-hot masks; the order
// statistics and the majority are functions of the same counts. Counts are whole numbers in float, hence
// exact.
#include "kernels/neighborhood.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "error.h"
#include "kernels/class_masks.h"
#include "kernels/image_window.h"
#include "kernels/pixel.h"
#include "parallel.h"
#include "targets.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kChunkPixels = 4 << 10;

bool ReadsImage(Aggregation aggregation) {
  return aggregation == Aggregation::kGradient || aggregation == Aggregation::kBilateral ||
         aggregation == Aggregation::kImageL1 || aggregation == Aggregation::kImageL2;
}

bool IsGradient(MorphologyOp op) {
  return op == MorphologyOp::kGradient || op == MorphologyOp::kInternalGradient ||
         op == MorphologyOp::kExternalGradient;
}

// The last `dimensions` axes as the image, all others as batch.
Grid Slices(const Grid& grid, int64_t planes, int dimensions) {
  Grid slices;
  slices.batch = grid.batch * planes;
  slices.rank = dimensions;
  for (int axis = 0; axis < grid.rank - dimensions; ++axis) slices.batch *= grid.size[axis];
  for (int axis = 0; axis < dimensions; ++axis) slices.size[axis] = grid.size[grid.rank - dimensions + axis];
  return slices;
}

// Everything about one image of the batch that the last steps read, plane c at c * pixels.
struct Image {
  int64_t pixels, classes;
  const uint8_t* masks;
  const uint8_t* ignored;       // null without ignore
  const float* ignored_weight;  // null without ignore
  const uint8_t* band;          // null without band
  float* out;
};

// The class a count-based rule picks at pixel i, or -1 where nothing was counted.
int64_t Pick(const Image& image, Aggregation aggregation, int64_t i) {
  const auto count = [&](int64_t c) { return image.out[c * image.pixels + i]; };
  int64_t pick = -1;
  if (aggregation == Aggregation::kMedian) {
    float total = 0, below = 0;
    for (int64_t c = 0; c < image.classes; ++c) total += count(c);
    for (int64_t c = 0; c < image.classes && total > 0; ++c) {
      below += count(c);
      if (2 * below >= total) return c;
    }
    return -1;
  }
  for (int64_t c = 0; c < image.classes; ++c) {
    if (count(c) <= 0) continue;
    const bool better = pick < 0 || aggregation == Aggregation::kLargest ||
                        (aggregation == Aggregation::kMode && count(c) > count(pick));
    if (better) pick = c;
  }
  return pick;
}

void ApplyRule(const Image& image, const SoftLabelOptions& options, float window_pixels, int64_t begin,
               int64_t end) {
  switch (options.aggregation) {
    case Aggregation::kLargest:
    case Aggregation::kSmallest:
    case Aggregation::kMedian:
    case Aggregation::kMode:
      for (int64_t i = begin; i < end; ++i) {
        const int64_t pick = Pick(image, options.aggregation, i);
        for (int64_t c = 0; c < image.classes; ++c) image.out[c * image.pixels + i] = c == pick ? 1.0f : 0.0f;
      }
      return;
    case Aggregation::kAny:
    case Aggregation::kAll:
    case Aggregation::kMajority: {
      const float least = options.aggregation == Aggregation::kAny   ? 1.0f
                          : options.aggregation == Aggregation::kAll ? window_pixels
                                                                     : window_pixels / 2;
      for (int64_t c = 0; c < image.classes; ++c)
        for (int64_t i = begin; i < end; ++i)
          image.out[c * image.pixels + i] = image.out[c * image.pixels + i] >= least ? 1.0f : 0.0f;
      return;
    }
    default:
      return;
  }
}

PIXELCAL_TARGETS void Add(const float* values, int64_t count, float* __restrict sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += values[i];
}

// values /= divisors, 0 where a divisor is 0
PIXELCAL_TARGETS void Divide(const float* divisors, int64_t count, float* __restrict values) {
  for (int64_t i = 0; i < count; ++i) {
    const float quotient = values[i] / divisors[i];
    values[i] = divisors[i] > 0 ? quotient : 0.0f;
  }
}

void HardLabel(const Image& image, int64_t i) {
  for (int64_t c = 0; c < image.classes; ++c)
    image.out[c * image.pixels + i] = static_cast<float>(image.masks[c * image.pixels + i]);
}

void Normalize(const Image& image, const SoftLabelOptions& options, float total, int64_t begin, int64_t end) {
  std::vector<float> divisor(end - begin);
  const bool linear = options.aggregation == Aggregation::kWeighted;
  if (options.normalization == Normalization::kWindow) {
    if (!linear) return;
    for (int64_t i = begin; i < end; ++i)
      divisor[i - begin] = image.ignored_weight ? options.divisor * (total - image.ignored_weight[i]) / total
                                                : options.divisor;
  } else {
    for (int64_t c = 0; c < image.classes; ++c)
      Add(image.out + c * image.pixels + begin, end - begin, divisor.data());
  }
  if (options.normalization == Normalization::kClasses)
    for (float& value : divisor) value = std::max(value, 1e-6f);
  for (int64_t c = 0; c < image.classes; ++c)
    Divide(divisor.data(), end - begin, image.out + c * image.pixels + begin);
  if (options.normalization == Normalization::kLabels)
    for (int64_t i = begin; i < end; ++i)
      if (divisor[i - begin] <= 0) HardLabel(image, i);
}

void Finish(const Image& image, const SoftLabelOptions& options, float total, float window_pixels,
            int64_t begin, int64_t end) {
  ApplyRule(image, options, window_pixels, begin, end);
  Normalize(image, options, total, begin, end);
  if (image.band)
    for (int64_t i = begin; i < end; ++i)
      if (!image.band[i]) HardLabel(image, i);
  // An ignored pixel has no label: its hard label is 0 in every class.
  if (image.ignored && options.normalization != Normalization::kClasses)
    for (int64_t i = begin; i < end; ++i)
      if (image.ignored[i]) HardLabel(image, i);
}

void Check(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
           const SoftLabelOptions& options, std::span<float> out) {
  const int64_t count = grid.Count();
  Require(options.classes >= 1 && options.classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses,
          ", got ", options.classes);
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(std::ssize(out) == CheckedProduct(count, options.classes), "out: expected ",
          count * options.classes, " values, got ", out.size());
  Require(options.taps.size() % 2 == 1, "taps: expected an odd number, got ", options.taps.size());
  for (const float tap : options.taps)
    Require(std::isfinite(tap) && tap >= 0, "taps: expected finite weights of at least 0, got ", tap);
  Require(options.dimensions >= 1 && options.dimensions <= grid.rank, "dimensions: expected 1 to ", grid.rank,
          ", got ", options.dimensions);
  Require(!options.band || options.morphology, "band: expected a morphology operation, got none");
  Require(options.divisor > 0, "divisor: expected a positive number, got ", options.divisor);
  if (!ReadsImage(options.aggregation)) return;
  Require(std::ssize(image) == count, "image: expected ", count, " pixels, got ", image.size());
  Require(options.window_border == WindowBorder::kBackground,
          "windowBorder: expected background for an image-weighted window");
  BadPixels bad;
  ParallelFor(count, kChunkPixels, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (!std::isfinite(image[i])) bad.Add(i);
  });
  Require(bad.count == 0, "image: expected finite values, got ", bad.count > 0 ? image[bad.first] : 0.0f,
          " at pixel ", bad.first.load(), " (", bad.count.load(), " such pixels)");
}

// Uninitialised bytes.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(int64_t count) : memory_(std::make_unique_for_overwrite<uint8_t[]>(count)), count_(count) {}
  std::span<uint8_t> span() const { return {memory_.get(), static_cast<size_t>(count_)}; }

 private:
  std::unique_ptr<uint8_t[]> memory_;
  int64_t count_ = 0;
};

// 1 where a gradient is set for any class, or another operation changes any class's mask.
Bytes Band(std::span<const uint8_t> masks, std::span<const uint8_t> adapted, const Grid& grid,
           int64_t classes, bool gradient) {
  const int64_t pixels = grid.Pixels();
  Bytes band(grid.Count());
  ParallelFor(grid.Count(), kChunkPixels, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / pixels * classes * pixels + i % pixels;
      uint8_t any = 0;
      for (int64_t at = first; at < first + classes * pixels; at += pixels)
        any |= gradient ? adapted[at] : adapted[at] ^ masks[at];
      band.span()[i] = any;
    }
  });
  return band;
}

// Takes ignored pixels out of every class again.
void ClearIgnored(std::span<const uint8_t> ignored, int64_t classes, int64_t pixels,
                  std::span<uint8_t> masks) {
  ParallelFor(std::ssize(masks), kChunkPixels, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at)
      masks[at] &= !ignored[at / (classes * pixels) * pixels + at % pixels];
  });
}

}  // namespace

void SoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                const SoftLabelOptions& options, std::span<float> out) {
  Check(labels, image, grid, options, out);
  const int64_t pixels = grid.Pixels(), classes = options.classes;
  const Bytes masks(out.size()), ignored(options.ignore ? grid.Count() : 0);
  ClassMasks(labels, grid.batch, pixels, classes, options.ignore, masks.span(), ignored.span());
  std::span<const uint8_t> source = masks.span();
  Bytes adapted, band;
  if (options.morphology) {
    adapted = Bytes(out.size());
    Morphology(masks.span(), Slices(grid, classes, options.dimensions), *options.morphology, adapted.span());
    if (options.band) {
      band = Band(masks.span(), adapted.span(), grid, classes, IsGradient(options.morphology->op));
    } else {
      source = adapted.span();
      if (options.ignore && options.normalization != Normalization::kClasses)
        ClearIgnored(ignored.span(), classes, pixels, adapted.span());
    }
  }

  const bool weighted = options.aggregation == Aggregation::kWeighted;
  const std::vector<float> ones(options.taps.size(), 1.0f);
  const Window counts{ones, options.dimensions};
  const Window window =
      weighted ? Window{options.taps, options.dimensions, options.scale, options.centre} : counts;
  if (ReadsImage(options.aggregation))
    ImageWindow(source, ignored.span(), image, grid, options, out);
  else
    FilterMasks(source, grid, classes, window, options.window_border, out);
  std::vector<float> ignored_weight;
  if (options.ignore && weighted) {
    ignored_weight.resize(grid.Count());
    // Outside pixels are of class 0 or of none, never ignored.
    const bool constant = options.window_border == WindowBorder::kBackground;
    FilterMasks(ignored.span(), grid, 1, window, constant ? WindowBorder::kZero : options.window_border,
                ignored_weight);
  }

  const int64_t blocks = (pixels - 1) / kChunkPixels + 1;
  const auto total = static_cast<float>(window.Total()), window_pixels = static_cast<float>(counts.Total());
  ParallelFor(grid.batch * blocks, 1, [&](int64_t item, int64_t) {
    const int64_t n = item / blocks, start = item % blocks * kChunkPixels;
    const auto plane = [&](auto all) { return all.empty() ? nullptr : all.data() + n * pixels; };
    const Image one{pixels,
                    classes,
                    masks.span().data() + n * classes * pixels,
                    plane(ignored.span()),
                    plane(std::span<const float>(ignored_weight)),
                    plane(band.span()),
                    out.data() + n * classes * pixels};
    Finish(one, options, total, window_pixels, start, std::min(start + kChunkPixels, pixels));
  });
}

}  // namespace pixelcal::cpu
