// Soft labels from label maps, one tile at a time and all in cache: codes -> class bits -> optional
// morphology -> aggregation over the window -> normalisation. O(classes) for windows of constant size; the
// labels are read once and the targets written once.
//
// Class frequencies (NACL, Liu et al. 2023), Gaussian neighbours (SVLS, Islam and Glocker 2021) and the
// adaptive target of signed-distance calibration are all linear windows over one-hot masks; the order
// statistics and the majority are functions of the same counts. Windows that are counted stay in bytes until
// the targets are stored; others are floats, in place in the result.
#include "kernels/neighborhood.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "error.h"
#include "kernels/class_masks.h"
#include "kernels/class_rows.h"
#include "kernels/image_window.h"
#include "kernels/label_codes.h"
#include "kernels/pixel.h"
#include "parallel.h"
#include "scratch.h"
#include "simd/soft_labels.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kChunkPixels = 4 << 10;
constexpr int64_t kTilePixels = 8 << 10, kTileBytes = 256 << 10;
// Results from here on do not stay in the caches anyway.
constexpr int64_t kStreamBytes = 16 << 20;
// n * (1 / n) is 1 in float32 for all n up to here.
constexpr int64_t kExactReciprocal = 40;

enum Slot { kPlanes = 130, kSums, kBand, kHard, kDivisors, kOwnCodes };

// The last `dimensions` axes as the image, all others as batch.
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

// All that the tiles of a call share.
struct Plan {
  const SoftLabelOptions& options;
  std::span<const float> image;
  std::span<float> out;
  ClassRowsPlan rows{};
  Window window{};
  std::optional<CountedWindow> counted{};  // nothing: floats
  int64_t pixels = 0;
  bool linear = false;
  bool stream = false;

  // Pixels that are ignored make their window lighter, and have no target.
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
        stride_(layout_.Count()),
        count_(layout_.rows * layout_.width),
        classes_(plan.options.classes),
        levels_(plan.counted ? plan.counted->levels : 0),
        planes_(Scratch<uint8_t, kPlanes>(classes_ * levels_ * stride_)),
        sums_(Scratch<uint8_t, kSums>(std::max<int64_t>(levels_, 1) * stride_)),
        band_(Scratch<uint8_t, kBand>(stride_)),
        hard_(Scratch<uint8_t, kHard>(count_)),
        divisors_(Scratch<float, kDivisors>(count_)) {}

  void Run(BadPixels& bad) {
    codes_ = rows_.Load(bad);
    Aggregate();
    ApplyRule();
    const bool sums = plan_.options.normalization != Normalization::kWindow;
    if (sums)
      SumClasses();
    else if (plan_.linear)
      SumIgnored();
    if (plan_.HasHard()) MarkHard();
    Finish(sums || plan_.linear);
  }

 private:
  // Counts by class and level, `stride_` apart.
  uint8_t* Counts(int64_t c) { return planes_ + c * levels_ * stride_; }
  float* Target(int64_t c, int64_t row = 0) {
    return plan_.out.data() + (tile_.n * classes_ + c) * plan_.pixels +
           (tile_.z * plan_.rows.size[1] + tile_.begin + row) * layout_.width;
  }

  // Takes the pads of a layout out, so that it runs as the targets do.
  template <class T>
  void Compact(const T* from, T* to) {
    for (int64_t row = 0; row < layout_.rows; ++row)
      std::memmove(to + row * layout_.width, from + layout_.At(row), layout_.width * sizeof(T));
  }

  // The windows' counts of one class bit at every pixel.
  void Count(const SelectedRows& selected, int bit, uint8_t* out) {
    CountWindows(selected, layout_, plan_.window, *plan_.counted, bit, stride_, out);
    for (int64_t level = 0; level < levels_; ++level) Compact(out + level * stride_, out + level * stride_);
  }

  // The windows' weights of one class bit at every pixel.
  void Filter(const SelectedRows& selected, int bit, float* out) {
    for (int64_t row = 0; row < layout_.rows; ++row)
      FilterRow(selected, layout_, plan_.window, bit, row, out + row * layout_.width);
  }

  void Aggregate() {
    if (plan_.options.band) std::fill_n(band_, stride_, uint8_t{0});
    const bool reads = ReadsImage(plan_.options.aggregation);
    std::optional<SelectedRows> ignored;
    if (reads && plan_.options.ignore) ignored = rows_.SelectIgnored();
    for (int64_t first = 0; first < classes_; first += kGroup) {
      const SelectedRows selected = rows_.Select(first, band_);
      const int64_t group = std::min<int64_t>(kGroup, classes_ - first);
      for (int64_t row = 0; reads && row < layout_.rows; ++row)
        AggregateByImage({plan_.image.data() + tile_.n * plan_.pixels, selected,
                          ignored ? &*ignored : nullptr, group, tile_.z, tile_.begin + row, row},
                         layout_, plan_.rows, plan_.options, Target(first, row));
      for (int64_t c = first; !reads && c < first + group; ++c) {
        const int bit = static_cast<int>(c - first);
        plan_.counted ? Count(selected, bit, Counts(c)) : Filter(selected, bit, Target(c));
      }
    }
  }

  void ApplyRule() {
    const auto pick = [&](simd::OneHotRule rule) {
      if (plan_.counted)
        loops_.one_hot_counts(rule, planes_, stride_, classes_, count_);
      else
        loops_.one_hot_floats(rule, Target(0), plan_.pixels, classes_, count_);
    };
    const auto at_least = [&](double least) {
      for (int64_t c = 0; c < classes_; ++c) {
        if (plan_.counted)
          loops_.threshold_counts(Counts(c), count_, static_cast<uint8_t>(std::ceil(least)));
        else
          loops_.threshold_floats(Target(c), count_, static_cast<float>(least));
      }
    };
    const double window = plan_.window.Total();  // its pixels: only weighted windows have other taps than 1
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

  // `divisors_` from the counts in `sums_`.
  void WeighSums() {
    loops_.weigh(simd::Factor::kNone, sums_, stride_, levels_, plan_.counted->weights.data(), nullptr, count_,
                 false, divisors_);
  }

  void SumClasses() {
    if (plan_.counted) {
      std::copy_n(planes_, levels_ * stride_, sums_);
      for (int64_t c = 1; c < classes_; ++c) loops_.add(Counts(c), levels_ * stride_, sums_);
      WeighSums();
    } else {
      std::fill_n(divisors_, count_, 0.0f);
      for (int64_t c = 0; c < classes_; ++c) loops_.add_floats(Target(c), count_, divisors_);
    }
  }

  void SumIgnored() {
    if (!plan_.options.ignore) {
      std::fill_n(divisors_, count_, 0.0f);
      return;
    }
    const SelectedRows ignored = rows_.SelectIgnored();
    if (plan_.counted) {
      Count(ignored, 0, sums_);
      WeighSums();
    } else {
      Filter(ignored, 0, divisors_);
    }
  }

  // Where the target is the hard label: outside the band, at ignored pixels (which have none), and where no
  // class is left to divide by.
  void MarkHard() {
    int16_t* codes = Scratch<int16_t, kOwnCodes>(count_);
    Compact(codes_, codes);
    codes_ = codes;
    if (plan_.LeavesOut())
      loops_.equal(codes_, count_, simd::kLeftOut, 0xff, hard_);
    else
      std::fill_n(hard_, count_, uint8_t{0});
    if (plan_.options.band) {
      Compact(band_, band_);
      for (int64_t i = 0; i < count_; ++i) hard_[i] |= band_[i] ? 0 : 0xff;
    }
    if (plan_.options.normalization == Normalization::kLabels) loops_.none(divisors_, count_, hard_);
  }

  void Finish(bool divides) {
    const bool hard = plan_.HasHard();
    const float own = plan_.counted ? plan_.counted->weights[0] : 1.0f;
    if (divides) {
      const Normalization by = plan_.options.normalization;
      loops_.divisors(by == Normalization::kWindow    ? simd::DivisorRule::kRest
                      : by == Normalization::kClasses ? simd::DivisorRule::kAtLeast
                                                      : simd::DivisorRule::kSum,
                      plan_.options.divisor, static_cast<float>(plan_.window.Total()), hard ? hard_ : nullptr,
                      own, count_, divisors_);
    }
    auto factor = divides ? simd::Factor::kDivide : simd::Factor::kNone;
    if (divides && levels_ == 1 && plan_.counted->most <= kExactReciprocal) {
      loops_.reciprocals(count_, divisors_);
      factor = simd::Factor::kMultiply;
    }
    for (int64_t c = 0; c < classes_; ++c) {
      const int code = static_cast<int>(c);
      if (plan_.counted) {
        for (int64_t level = 0; hard && level < levels_; ++level)
          loops_.replace_counts(codes_, level == 0 ? code : -1, hard_, count_, Counts(c) + level * stride_);
        loops_.weigh(factor, Counts(c), stride_, levels_, plan_.counted->weights.data(), divisors_, count_,
                     plan_.stream, Target(c));
      } else {
        if (hard) loops_.replace_floats(codes_, code, hard_, count_, Target(c));
        if (divides) loops_.divide_floats(divisors_, count_, Target(c));
      }
    }
  }

  const simd::SoftLabelTable& loops_ = SoftLabelLoops();
  const Plan& plan_;
  const TileRows tile_;
  ClassRows rows_;
  const TileLayout& layout_;
  const int64_t stride_;  // elements of a layout with its pads
  const int64_t count_;   // pixels
  const int64_t classes_, levels_;
  uint8_t *planes_, *sums_, *band_, *hard_;
  float* divisors_;
  const int16_t* codes_ = nullptr;
};

// Whether the counts of all classes together fit a byte. Classes of a label map are apart; those that
// morphology left need not be.
bool SumsFit(const CountedWindow& counted, const SoftLabelOptions& options) {
  const bool apart = !options.morphology || options.band;
  return apart || counted.most <= 255 / options.classes;
}

}  // namespace

void CheckSoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                     const SoftLabelOptions& options, std::span<const float> out) {
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
}

void SoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                const SoftLabelOptions& options, std::span<float> out) {
  CheckSoftLabels(labels, image, grid, options, out);
  if (ReadsImage(options.aggregation)) CheckImage(image);
  Plan plan{.options = options, .image = image, .out = out};
  plan.pixels = grid.Pixels();
  plan.linear = options.aggregation == Aggregation::kWeighted;
  plan.stream = std::ssize(out) >= kStreamBytes / 4;
  const std::vector<float> ones(options.taps.size(), 1.0f);
  plan.window = plan.linear ? Window{options.taps, options.dimensions, options.scale, options.centre}
                            : Window{ones, options.dimensions};
  if (!ReadsImage(options.aggregation)) {
    plan.counted = CountedWindow::From(plan.window);
    if (plan.counted && !SumsFit(*plan.counted, options)) plan.counted.reset();
  }
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
