// Soft labels from label maps, one tile at a time (soft_labels/soft_label_tile.h). O(classes) for windows of
// constant size; the labels are read once and the targets written once.
//
// Class frequencies (NACL, Liu et al. 2023), Gaussian neighbours (SVLS, Islam and Glocker 2021) and the
// adaptive target of signed-distance calibration are all linear windows over one-hot masks; the order
// statistics and the majority are functions of the same counts.
#include "soft_labels/soft_labels.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "labels/bad_pixels.h"
#include "labels/label_codes.h"
#include "soft_labels/class_masks.h"
#include "soft_labels/soft_label_tile.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kChunkPixels = 4 << 10;
constexpr int64_t kTilePixels = 8 << 10, kTileBytes = 256 << 10;
// Up to this n, n * (1 / n) is 1 in float32.
constexpr int64_t kExactReciprocal = 40;

// Returns a grid with the last `dimensions` axes as the image and all others as batch.
Grid Slices(const Grid& grid, int64_t planes, int dimensions) {
  Grid slices;
  slices.batch = grid.batch * planes;
  slices.rank = dimensions;
  for (int axis = 0; axis < grid.rank - dimensions; ++axis) slices.batch *= grid.size[axis];
  for (int axis = 0; axis < dimensions; ++axis) slices.size[axis] = grid.size[grid.rank - dimensions + axis];
  return slices;
}

void CheckImage(std::span<const float> image) {
  BadPixels bad;
  ParallelFor(std::ssize(image), kChunkPixels, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (!std::isfinite(image[i])) bad.Add(i);
  });
  Require(bad.count == 0, "image: expected finite values, got ", bad.count > 0 ? image[bad.first] : 0.0f,
          " at pixel ", bad.first.load(), " (", bad.count.load(), " such pixels)");
}

// Classes of a label map are disjoint; those left by morphology may overlap.
bool ClassesApart(const SoftLabelOptions& options) { return !options.morphology || options.band; }

// Sets the divisor of the plan's targets, and the factors of counts.
void PlanDivisor(SoftLabelPlan& plan) {
  const SoftLabelOptions& options = plan.options;
  using Rule = simd::DivisorRule;
  plan.divisor.scale = options.divisor;
  plan.divisor.total = static_cast<float>(plan.window.Total());
  plan.divisor.rule = options.normalization == Normalization::kClasses  ? Rule::kAtLeast
                      : options.normalization == Normalization::kLabels ? Rule::kSum
                      : !plan.linear                                    ? Rule::kNone
                      : options.ignore                                  ? Rule::kRest
                                                                        : Rule::kConstant;
  if (!plan.counted) return;
  plan.divides = plan.counted->most > kExactReciprocal;
  const bool apart = ClassesApart(options);
  plan.most =
      static_cast<uint8_t>(std::min<int64_t>(255, plan.counted->most * (apart ? 1 : options.classes)));
  for (size_t sum = 0; sum < plan.factors.size(); ++sum) {
    const float by = plan.divisor.Of(static_cast<float>(sum) * plan.counted->weights[0]);
    plan.factors[sum] = by <= 0 ? 0.0f : plan.divides ? by : 1.0f / by;
  }
}

// Whether the counts of all classes together fit a byte.
bool SumsFit(const CountedWindow& counted, const SoftLabelOptions& options) {
  return ClassesApart(options) || counted.most <= 255 / options.classes;
}

}  // namespace

void CheckSoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                     const SoftLabelOptions& options, std::span<const float> out) {
  const int64_t count = grid.Count();
  Require(options.classes >= 1 && options.classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses,
          ", got ", options.classes);
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(std::ssize(out) == CheckedProduct(count, options.classes), "out: expected ",
          CheckedProduct(count, options.classes), " values, got ", out.size());
  Require(options.taps.size() % 2 == 1, "taps: expected an odd number, got ", options.taps.size());
  for (const float tap : options.taps)
    Require(std::isfinite(tap) && tap >= 0, "taps: expected finite weights of at least 0, got ", tap);
  Require(options.dimensions >= 1 && options.dimensions <= grid.rank, "dimensions: expected 1 to ", grid.rank,
          ", got ", options.dimensions);
  if (options.morphology) CheckMorphology(*options.morphology);
  Require(!options.band || options.morphology, "band: needs a morphology operation");
  Require(options.divisor > 0, "divisor: expected a positive number, got ", options.divisor);
  if (!ReadsImage(options.aggregation)) return;
  Require(std::ssize(image) == count, "image: expected ", count, " pixels, got ", image.size());
  Require(options.window_border == WindowBorder::kBackground,
          "windowBorder: expected background for an image-weighted window");
}

void SoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                const SoftLabelOptions& options, std::span<float> out) {
  CheckSoftLabels(labels, image, grid, options, out);
  if (ReadsImage(options.aggregation)) CheckImage(image);
  SoftLabelPlan plan{.options = options, .image = image, .out = out};
  plan.pixels = grid.Pixels();
  plan.linear = options.aggregation == Aggregation::kWeighted;
  const std::vector<float> ones(options.taps.size(), 1.0f);
  plan.window = plan.linear ? Window{options.taps, options.dimensions, options.scale, options.centre}
                            : Window{ones, options.dimensions};
  if (!ReadsImage(options.aggregation)) {
    plan.counted = CountedWindow::From(plan.window);
    if (plan.counted && !SumsFit(*plan.counted, options)) plan.counted.reset();
  }
  PlanDivisor(plan);
  ClassRowsPlan& rows = plan.rows;
  rows.labels = labels;
  rows.size = grid.DepthHeightWidth();
  rows.classes = options.classes;
  rows.ignore = options.ignore;
  rows.dimensions = options.dimensions;
  rows.radius = plan.window.Radius();
  rows.border = options.window_border;
  rows.band = options.band;
  rows.clear_ignored = plan.LeavesOut();
  std::vector<uint8_t> adapted;
  if (options.morphology) {
    rows.op = options.morphology->op;
    rows.steps = MorphologySteps::From(*options.morphology);
    if (!rows.steps) {
      std::vector<uint8_t> masks(out.size());
      adapted.resize(out.size());
      ClassMasks(labels, grid.batch, plan.pixels, options.classes, options.ignore, masks);
      Morphology(masks, Slices(grid, options.classes, options.dimensions), *options.morphology, adapted);
      rows.adapted = adapted;
    }
  }

  const int64_t depth = rows.size[0], height = rows.size[1], width = rows.size[2];
  const int64_t levels = plan.counted ? static_cast<int64_t>(plan.counted->levels) : 1;
  const int64_t reach = rows.Spans(1) ? rows.radius + (rows.steps ? rows.steps->Reach() : 0) : 0;
  const int64_t fit = std::min(kTilePixels, kTileBytes / (options.classes * levels)) / width;
  const int64_t tile_rows = std::min(std::max({fit, 4 * reach, int64_t{1}}), height);
  const int64_t tiles = (height - 1) / tile_rows + 1;
  BadPixels bad;
  ParallelFor(grid.batch * depth * tiles, 1, [&](int64_t item, int64_t) {
    const int64_t plane = item / tiles, begin = item % tiles * tile_rows;
    FillTile(plan, {plane / depth, plane % depth, begin, std::min(begin + tile_rows, height)}, bad);
  });
  if (bad.count > 0) RejectLabels("labels", bad, LabelAt(labels, bad.first), options.classes);
}

}  // namespace pixelcal::cpu
