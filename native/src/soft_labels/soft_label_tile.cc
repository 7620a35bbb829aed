// Windows that are counted stay in bytes until the targets are stored; others are floats, in place in the
// result.
#include "soft_labels/soft_label_tile.h"

#include <algorithm>
#include <cmath>

#include "base/scratch.h"
#include "labels/label_codes.h"
#include "soft_labels/image_window.h"
#include "soft_labels/soft_labels_loops.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kVector = 64;  // loops on counts run over whole vectors

class Tile {
 public:
  Tile(const SoftLabelPlan& plan, TileRows tile)
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
  const SoftLabelPlan& plan_;
  const TileRows tile_;
  ClassRows rows_;
  const TileLayout& layout_;
  const int64_t stride_;  // elements of a layout with its pads: an odd number of vectors, so that planes do
                          // not compete for the same places of the cache
  const int64_t classes_, levels_;
  uint8_t *planes_, *sums_, *band_, *hard_;
  const int16_t* codes_ = nullptr;
};

}  // namespace

void FillTile(const SoftLabelPlan& plan, const TileRows& rows, BadPixels& bad) { Tile(plan, rows).Run(bad); }

}  // namespace pixelcal::cpu
