// Soft labels from label maps, one tile at a time and all in cache: codes -> class bits -> optional
// morphology -> aggregation over the window -> normalisation. O(classes) for windows of constant size; the
// labels are read once and the targets written once.
//
// Class frequencies (NACL, Liu et al. 2023), Gaussian neighbours (SVLS, Islam and Glocker 2021) and the
// adaptive target of signed-distance calibration are all linear windows over one-hot masks; the order
// statistics and the majority are functions of the same counts. Windows that are counted stay in bytes until
// the targets are stored; others are floats, in place in the result.
#include "soft_labels/soft_labels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "labels/bad_pixels.h"
#include "labels/label_codes.h"
#include "soft_labels/class_masks.h"
#include "soft_labels/class_rows.h"
#include "soft_labels/count_targets_loops.h"
#include "soft_labels/image_window.h"
#include "soft_labels/soft_labels_loops.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kChunkPixels = 4 << 10;
constexpr int64_t kTilePixels = 8 << 10, kTileBytes = 256 << 10;
// Up to this n, n * (1 / n) is 1 in float32.
constexpr int64_t kExactReciprocal = 40;

constexpr int64_t kVector = 64;  // loops on counts run over whole vectors

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

// The data that all tiles of a call share.
struct Plan {
  const SoftLabelOptions& options;
  std::span<const float> image;
  std::span<float> out;
  ClassRowsPlan rows{};
  Window window{};
  std::optional<CountedWindow> counted{};  // nothing: floats
  int64_t pixels = 0;
  bool linear = false;
  simd::Divisor divisor{};
  // The factor or divisor of a pixel's counts at one level, for every sum.
  std::array<float, 256> factors{};
  bool divides = false;
  uint8_t most = 255;  // sum

  // Ignored pixels make their window lighter and have no target.
  bool LeavesOut() const { return options.ignore && options.normalization != Normalization::kClasses; }
  bool HasHard() const {
    return options.band || LeavesOut() || options.normalization == Normalization::kLabels;
  }
};

class Tile {
 public:
  Tile(const Plan& plan, TileRows tile)
      : plan_(plan),
        tile_(tile),
        rows_(plan.rows, tile),
        layout_(rows_.layout()),
        stride_((((layout_.Count() - 1) / kVector + 1) | 1) * kVector),
        classes_(plan.options.classes),
        levels_(plan.counted ? plan.counted->levels : 0),
        planes_(Scratch<uint8_t, struct CountPlanes>(classes_ * levels_ * stride_ + kVector)),
        sums_(Scratch<uint8_t, struct CountSums>(levels_ * stride_ + kVector)),
        band_(Scratch<uint8_t, struct BandMarks>(stride_)),
        hard_(Scratch<uint8_t, struct HardMarks>(stride_ + kVector)) {}

  void Run(BadPixels& bad) {
    codes_ = rows_.Load(bad);
    Aggregate();
    ApplyRule();
    if (plan_.HasHard()) MarkHard();
    plan_.counted ? StoreCounts() : DivideFloats();
  }

 private:
  // Returns the counts by class and level, `stride_` apart.
  uint8_t* Counts(int64_t c) { return planes_ + c * levels_ * stride_; }
  float* Target(int64_t c, int64_t row = 0) {
    return plan_.out.data() + (tile_.n * classes_ + c) * plan_.pixels +
           (tile_.z * plan_.rows.size[1] + tile_.begin + row) * layout_.width;
  }

  // Computes the windows' weights of one class bit at every pixel of a row.
  void Filter(const SelectedRows& selected, int bit, int64_t row, float* out) {
    FilterRow(selected, layout_, plan_.window, bit, row, out);
  }

  void Aggregate() {
    if (plan_.options.band) std::fill_n(band_, stride_, uint8_t{0});
    const bool reads = ReadsImage(plan_.options.aggregation);
    std::optional<SelectedRows> ignored;
    if (reads && plan_.options.ignore) ignored = rows_.SelectIgnored();
    for (int64_t first = 0; first < classes_; first += kGroup) {
      const SelectedRows selected = rows_.Select(first, band_);
      const int64_t group = std::min<int64_t>(kGroup, classes_ - first);
      if (plan_.counted) {
        CountWindows(selected, plan_.window, *plan_.counted, static_cast<int>(group), stride_, Counts(first));
        continue;
      }
      for (int64_t row = 0; row < layout_.rows; ++row) {
        if (reads)
          AggregateByImage({plan_.image.data() + tile_.n * plan_.pixels, selected,
                            ignored ? &*ignored : nullptr, group, tile_.z, tile_.begin + row, row},
                           layout_, plan_.rows, plan_.options, Target(first, row));
        for (int64_t c = 0; !reads && c < group; ++c)
          Filter(selected, static_cast<int>(c), row, Target(first + c, row));
      }
    }
  }

  void ApplyRule() {
    const int64_t count = layout_.rows * layout_.width;  // targets of a class, which are contiguous
    const auto pick = [&](simd::OneHotRule rule) {
      if (plan_.counted)
        loops_.one_hot_counts(rule, planes_, stride_, classes_, stride_);
      else
        loops_.one_hot_floats(rule, Target(0), plan_.pixels, classes_, count);
    };
    const auto at_least = [&](double least) {
      for (int64_t c = 0; c < classes_; ++c) {
        if (plan_.counted)
          loops_.threshold_counts(Counts(c), stride_, static_cast<uint8_t>(std::ceil(least)));
        else
          loops_.threshold_floats(Target(c), count, static_cast<float>(least));
      }
    };
    const double window =
        plan_.window.Total();  // number of its pixels: only weighted windows have taps other than 1
    switch (plan_.options.aggregation) {
      case Aggregation::kLargest:
        return pick(simd::OneHotRule::kLargest);
      case Aggregation::kSmallest:
        return pick(simd::OneHotRule::kSmallest);
      case Aggregation::kMedian:
        return pick(simd::OneHotRule::kMedian);
      case Aggregation::kMode:
        return pick(simd::OneHotRule::kMode);
      case Aggregation::kAny:
        return at_least(1);
      case Aggregation::kAll:
        return at_least(window);
      case Aggregation::kMajority:
        return at_least(window / 2);
      default:
        return;
    }
  }

  // Marks the pixels whose target is the hard label: outside the band, and ignored pixels, which have none.
  void MarkHard() {
    if (plan_.LeavesOut())
      loops_.equal(codes_, layout_.Count(), simd::kLeftOut, 0xff, hard_);
    else
      std::fill_n(hard_, stride_, uint8_t{0});
    if (plan_.options.band)
      for (int64_t i = 0; i < layout_.Count(); ++i) hard_[i] |= band_[i] ? 0 : 0xff;
  }

  // Windows leave out the weight of ignored pixels.
  bool SumsIgnored() const { return plan_.divisor.rule == simd::DivisorRule::kRest; }

  void StoreCounts() {
    if (SumsIgnored()) CountWindows(rows_.SelectIgnored(), plan_.window, *plan_.counted, 1, stride_, sums_);
    const int64_t first = layout_.At(0);
    simd::CountTargets tile{};
    tile.counts = planes_ + first;
    if (SumsIgnored()) tile.sums = sums_ + first;
    if (plan_.HasHard()) tile.hard = hard_ + first;
    tile.codes = codes_ + first;
    tile.classes = classes_;
    tile.levels = levels_;
    tile.stride = stride_;
    tile.row_stride = layout_.Stride();
    tile.weights = plan_.counted->weights.data();
    tile.divisor = plan_.divisor;
    tile.factors = plan_.factors.data();
    tile.divides = plan_.divides;
    tile.most = plan_.most;
    tile.nothing_is_hard = plan_.divisor.rule == simd::DivisorRule::kSum;
    tile.rows = layout_.rows;
    tile.width = layout_.width;
    tile.out = Target(0);
    tile.class_size = plan_.pixels;
    CountTargetLoops().store(tile);
  }

  void DivideFloats() {
    const int64_t width = layout_.width;
    float* divisors = Scratch<float, struct Divisors>(width);
    const simd::Divisor& divisor = plan_.divisor;
    std::optional<SelectedRows> ignored;
    if (SumsIgnored()) ignored = rows_.SelectIgnored();
    for (int64_t row = 0; row < layout_.rows; ++row) {
      const int64_t at = layout_.At(row);
      if (divisor.rule != simd::DivisorRule::kNone) {
        std::fill_n(divisors, width, 0.0f);
        if (ignored)
          Filter(*ignored, 0, row, divisors);
        else
          for (int64_t c = 0; c < classes_; ++c) loops_.add_floats(Target(c, row), width, divisors);
        for (int64_t x = 0; divisor.rule == simd::DivisorRule::kSum && x < width; ++x)
          if (divisors[x] <= 0) hard_[at + x] = 0xff;
        for (int64_t x = 0; x < width; ++x) divisors[x] = divisor.Of(divisors[x]);
        for (int64_t c = 0; c < classes_; ++c) loops_.divide_floats(divisors, width, Target(c, row));
      }
      for (int64_t c = 0; plan_.HasHard() && c < classes_; ++c)
        loops_.replace_floats(codes_ + at, static_cast<int>(c), hard_ + at, width, Target(c, row));
    }
  }

  const simd::SoftLabelTable& loops_ = SoftLabelLoops();
  const Plan& plan_;
  const TileRows tile_;
  ClassRows rows_;
  const TileLayout& layout_;
  const int64_t stride_;  // elements of a layout with its pads: an odd number of vectors, so that planes do
                          // not compete for the same places of the cache
  const int64_t classes_, levels_;
  uint8_t *planes_, *sums_, *band_, *hard_;
  const int16_t* codes_ = nullptr;
};

// Classes of a label map are disjoint; those left by morphology may overlap.
bool ClassesApart(const SoftLabelOptions& options) { return !options.morphology || options.band; }

// Sets the divisor of the plan's targets, and the factors of counts.
void PlanDivisor(Plan& plan) {
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
  Require(!options.band || options.morphology, "band: expected a morphology operation, got none");
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
  Plan plan{.options = options, .image = image, .out = out};
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

  const auto& [depth, height, width] = rows.size;
  const int64_t levels = plan.counted ? static_cast<int64_t>(plan.counted->levels) : 1;
  const int64_t reach = rows.Spans(1) ? rows.radius + (rows.steps ? rows.steps->Reach() : 0) : 0;
  const int64_t fit = std::min(kTilePixels, kTileBytes / (options.classes * levels)) / width;
  const int64_t tile_rows = std::min(std::max({fit, 4 * reach, int64_t{1}}), height);
  const int64_t tiles = (height - 1) / tile_rows + 1;
  BadPixels bad;
  ParallelFor(grid.batch * depth * tiles, 1, [&](int64_t item, int64_t) {
    const int64_t plane = item / tiles, begin = item % tiles * tile_rows;
    Tile(plan, {plane / depth, plane % depth, begin, std::min(begin + tile_rows, height)}).Run(bad);
  });
  if (bad.count > 0) RejectLabels("labels", bad, LabelAt(labels, bad.first), options.classes);
}

}  // namespace pixelcal::cpu
