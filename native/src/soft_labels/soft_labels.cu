// Soft labels on the device: codes -> class masks -> optional morphology -> aggregation over the window ->
// normalisation, all images and classes of a batch in each launch. The windows are in cuda_window.cu; the
// last launch turns a pixel's sums of all classes into its target. Tested on an emulator, never yet run on a
// GPU.
#include "cuda/launch.h"
#include "labels/cuda_labels.h"
#include "morphology/cuda_morphology.h"
#include "soft_labels/cuda_soft_labels.h"
#include "soft_labels/cuda_window.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal::cuda {
namespace {

// Writes masks[plane, pixel] of planes of images: plane c of an image is 1 where the code is first + c.
__global__ void MaskCodes(const int16_t* codes, int64_t count, int64_t pixels, int64_t planes, int first,
                          uint8_t* masks) {
  ForItems(count, [&](int64_t i) {
    const int64_t plane = i / pixels;
    masks[i] = codes[plane / planes * pixels + i % pixels] == first + plane % planes;
  });
}

// Finds the pixels where any class's mask changed, or where a gradient is set for any class.
__global__ void FindBand(const uint8_t* masks, const uint8_t* adapted, int64_t count, int64_t pixels,
                         int64_t classes, bool gradient, uint8_t* band) {
  ForItems(count, [&](int64_t i) {
    int64_t at = i / pixels * classes * pixels + i % pixels;
    uint8_t any = 0;
    for (int64_t c = 0; c < classes; ++c, at += pixels)
      any |= gradient ? adapted[at] : adapted[at] ^ masks[at];
    band[i] = any;
  });
}

__global__ void ClearIgnored(const uint8_t* ignored, int64_t count, int64_t pixels, int64_t classes,
                             uint8_t* masks) {
  ForItems(count, [&](int64_t i) {
    if (ignored[i / (classes * pixels) * pixels + i % pixels]) masks[i] = 0;
  });
}

struct Finish {
  Aggregation aggregation;
  Normalization normalization;
  float divisor, total, window_pixels;
  const float* ignored_weight;  // null without
  const uint8_t *band, *ignored;
};

// Returns the class that a rule picks from a pixel's counts, or -1 where nothing was counted.
__device__ inline int64_t PickClass(Aggregation aggregation, const float* counts, int64_t classes,
                                    int64_t pixels) {
  int64_t pick = -1;
  float total = 0, below = 0;
  for (int64_t c = 0; c < classes; ++c) total += counts[c * pixels];
  for (int64_t c = 0; c < classes && total > 0; ++c) {
    const float count = counts[c * pixels];
    below += count;
    if (aggregation == Aggregation::kMedian && 2 * below >= total) return c;
    if (count <= 0) continue;
    if (pick < 0 || aggregation == Aggregation::kLargest ||
        (aggregation == Aggregation::kMode && count > counts[pick * pixels]))
      pick = c;
  }
  return pick;
}

__global__ void FinishTargets(const int16_t* codes, int64_t count, int64_t pixels, int64_t classes,
                              Finish finish, float* out) {
  ForItems(count, [&](int64_t i) {
    float* at = out + i / pixels * classes * pixels + i % pixels;
    const Aggregation rule = finish.aggregation;
    if (rule == Aggregation::kLargest || rule == Aggregation::kSmallest || rule == Aggregation::kMedian ||
        rule == Aggregation::kMode) {
      const int64_t pick = PickClass(rule, at, classes, pixels);
      for (int64_t c = 0; c < classes; ++c) at[c * pixels] = c == pick ? 1.0f : 0.0f;
    } else if (rule == Aggregation::kAny || rule == Aggregation::kAll || rule == Aggregation::kMajority) {
      const float least = rule == Aggregation::kAny   ? 1.0f
                          : rule == Aggregation::kAll ? finish.window_pixels
                                                      : finish.window_pixels / 2;
      for (int64_t c = 0; c < classes; ++c) at[c * pixels] = at[c * pixels] >= least ? 1.0f : 0.0f;
    }
    const bool by_window = finish.normalization == Normalization::kWindow;
    bool hard = finish.band && !finish.band[i];
    hard = hard || (finish.ignored && finish.ignored[i] && finish.normalization != Normalization::kClasses);
    if (!by_window || rule == Aggregation::kWeighted) {
      float divisor = 0;
      if (by_window)
        divisor = finish.ignored_weight
                      ? finish.divisor * (finish.total - finish.ignored_weight[i]) / finish.total
                      : finish.divisor;
      else
        for (int64_t c = 0; c < classes; ++c) divisor += at[c * pixels];
      if (finish.normalization == Normalization::kClasses) divisor = Most(divisor, 1e-6f);
      hard = hard || (finish.normalization == Normalization::kLabels && divisor <= 0);
      for (int64_t c = 0; c < classes && !hard; ++c)
        at[c * pixels] = divisor > 0 ? at[c * pixels] / divisor : 0.0f;
    }
    // An ignored pixel has no label, so its hard label is 0 in every class.
    for (int64_t c = 0; c < classes && hard; ++c) at[c * pixels] = codes[i] == c ? 1.0f : 0.0f;
  });
}

__global__ void FindInfinite(const float* values, int64_t count, Finding* finding) {
  ForItems(count, [&](int64_t i) {
    if (!(fabsf(values[i]) <= std::numeric_limits<float>::max())) Find(finding, i);
  });
}

// Returns a grid with the last `dimensions` axes as the image and all others as batch.
Grid Slices(const Grid& grid, int64_t planes, int dimensions) {
  Grid slices;
  slices.batch = grid.batch * planes;
  slices.rank = dimensions;
  for (int axis = 0; axis < grid.rank; ++axis) {
    const int64_t size = grid.size[static_cast<size_t>(axis)];
    if (axis < grid.rank - dimensions)
      slices.batch *= size;
    else
      slices.size[static_cast<size_t>(axis - (grid.rank - dimensions))] = size;
  }
  return slices;
}

}  // namespace

void SoftTargets(Stream& stream, const int16_t* codes, const float* image, const Grid& grid,
                 const SoftLabelOptions& options, float* out) {
  const int64_t pixels = grid.Pixels(), classes = options.classes, count = grid.batch * pixels;
  uint8_t* masks = stream.Allocate<uint8_t>(count * classes);
  LaunchItems("MaskCodes", MaskCodes, count * classes, stream, codes, count * classes, pixels, classes, 0,
              masks);
  uint8_t* ignored = nullptr;
  if (options.ignore) {
    ignored = stream.Allocate<uint8_t>(count);
    LaunchItems("MaskCodes", MaskCodes, count, stream, codes, count, pixels, int64_t{1}, int{kLeftOutCode},
                ignored);
  }
  const uint8_t* source = masks;
  uint8_t* band = nullptr;
  if (options.morphology) {
    uint8_t* adapted = stream.Allocate<uint8_t>(count * classes);
    Morphologies(stream, masks, Slices(grid, classes, options.dimensions), *options.morphology, adapted);
    if (options.band) {
      const MorphologyOp op = options.morphology->op;
      const bool gradient = op == MorphologyOp::kGradient || op == MorphologyOp::kInternalGradient ||
                            op == MorphologyOp::kExternalGradient;
      band = stream.Allocate<uint8_t>(count);
      LaunchItems("FindBand", FindBand, count, stream, masks, adapted, count, pixels, classes, gradient,
                  band);
    } else {
      source = adapted;
      if (ignored && options.normalization != Normalization::kClasses)
        LaunchItems("ClearIgnored", ClearIgnored, count * classes, stream, ignored, count * classes, pixels,
                    classes, adapted);
    }
  }

  const bool weighted = options.aggregation == Aggregation::kWeighted;
  const bool has_taps = weighted || options.aggregation == Aggregation::kBilateral;
  const float* taps = has_taps ? stream.In(options.taps) : nullptr;
  const auto dhw = grid.DepthHeightWidth();
  DeviceWindow window{{dhw[0], dhw[1], dhw[2]},
                      options.dimensions,
                      static_cast<int>(options.taps.size() / 2),
                      options.window_border,
                      taps,
                      weighted ? options.scale : 1.0f,
                      weighted ? options.centre : 0.0f};
  float* ignored_weight = nullptr;
  if (image) {
    FilterByImage(stream, source, ignored, image, count, classes, options.aggregation, window, out);
  } else {
    FilterMasks(stream, source, count * classes, classes, window, out);
    if (ignored && weighted) {
      // Outside pixels are of class 0 or of none, never ignored.
      if (window.border == WindowBorder::kBackground) window.border = WindowBorder::kZero;
      ignored_weight = stream.Allocate<float>(count);
      FilterMasks(stream, ignored, count, 1, window, ignored_weight);
    }
  }
  const std::vector<float> ones(options.taps.size(), 1.0f);
  const Window whole{weighted ? std::span<const float>(options.taps) : ones, options.dimensions,
                     weighted ? options.scale : 1.0f, weighted ? options.centre : 0.0f};
  const Finish finish{options.aggregation,
                      options.normalization,
                      options.divisor,
                      static_cast<float>(whole.Total()),
                      static_cast<float>(Window{ones, options.dimensions}.Total()),
                      ignored_weight,
                      band,
                      ignored};
  LaunchItems("FinishTargets", FinishTargets, count, stream, codes, count, pixels, classes, finish, out);
}

void SoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                const SoftLabelOptions& options, std::span<float> out) {
  cpu::CheckSoftLabels(labels, image, grid, options, out);
  const int64_t pixels = grid.Pixels(), classes = options.classes;
  if (!ReadsImage(options.aggregation)) image = {};
  Findings findings;
  ForPieces(grid, HostBytes(labels) + HostBytes(image) + HostBytes(out),
            [&](Stream& stream, int64_t first, const Grid& piece) {
              const int64_t from = first * pixels, count = piece.batch * pixels;
              Finding* finding = findings.Add(stream);
              const int16_t* codes =
                  EncodeLabels(stream, Part(labels, from, count), classes, options.ignore, finding);
              const float* values = stream.In(Part(image, from, count));
              if (values) LaunchItems("FindInfinite", FindInfinite, count, stream, values, count, finding);
              SoftTargets(stream, codes, values, piece, options,
                          stream.Out(Part(out, from * classes, count * classes)));
            });
  if (!findings.Any()) return;
  HostCopies copies;
  std::vector<float> unused(out.size());
  cpu::SoftLabels(copies(labels), copies(image), grid, options, unused);  // throws, saying what is wrong
}

}  // namespace pixelcal::cuda
