// Blocks of 2048 pixels stay in the first-level cache while every score reads them, so that memory is read
// once: O(pixels x (classes + groups)). Each part keeps the order of sums of the kernel of its own, whose
// bits it has. The arg-max is kept for surfaces, rings and lesions alone, which follow when the pass is over,
// as do temperatures of more than two classes, and proper scores beside rings.
#include "scoring/case_scores.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/scratch.h"
#include "calibration/class_sums.h"
#include "calibration/histogram_pass.h"
#include "calibration/probability_block.h"
#include "calibration/proper_block.h"
#include "calibration/temperature_pairs.h"
#include "overlap/confusion_pass.h"
#include "overlap/nan_pixels.h"

namespace pixelcal::cpu {
namespace {

// The proper scores of every block and floor.
class ProperPass {
 public:
  ProperPass(const ProbabilityMaps& maps, std::span<const double> floors)
      : maps_(maps), floors_(floors), sums_(static_cast<size_t>(BlockCount(maps)) * floors.size()) {}

  void Add(const ProbabilityBlock& block, const ProperBlock& labels) {
    for (size_t f = 0; f < floors_.size(); ++f)
      sums_[static_cast<size_t>(block.number) * floors_.size() + f] = labels.Sums(block, floors_[f]);
  }

  // Adds up chunks of blocks, then the chunks, as ProbabilityScores does.
  void Write(std::span<ProbabilityScoreSums> to) const {
    const int64_t blocks = BlockCount(maps_), grain = ChunkBlocks(maps_, kProperBlocks);
    for (size_t f = 0; f < floors_.size(); ++f) {
      to[f] = {};
      for (int64_t begin = 0; begin < blocks; begin += grain) {
        ProbabilityScoreSums chunk;
        for (int64_t item = begin; item < std::min(begin + grain, blocks); ++item)
          AddSums(sums_[static_cast<size_t>(item) * floors_.size() + f], chunk);
        to[f] += chunk;
      }
    }
  }

 private:
  const ProbabilityMaps& maps_;
  const std::span<const double> floors_;
  std::vector<simd::ScoreSums> sums_;
};

// The arg-max of every pixel, as bytes where classes fit.
class Winners {
 public:
  Winners(const ProbabilityMaps& maps, bool kept) : narrow_(maps.classes <= 256) {
    const auto count = static_cast<size_t>(kept ? maps.batch * maps.pixels : 0);
    bytes_ = {Scratch<uint8_t, struct WinnerBytes>(narrow_ ? count : 0), narrow_ ? count : 0};
    ints_ = {Scratch<int32_t, struct WinnerInts>(narrow_ ? 0 : count), narrow_ ? 0 : count};
  }
  void Keep(int64_t at, const int16_t* winner, int64_t count) const {
    const auto narrowed = [](int16_t c) { return static_cast<uint8_t>(c); };
    if (narrow_)
      std::transform(winner, winner + count, bytes_.data() + at, narrowed);
    else
      std::copy_n(winner, count, ints_.data() + at);
  }
  LabelSpan Labels() const {
    if (narrow_) return std::span<const uint8_t>(bytes_);
    return std::span<const int32_t>(ints_);
  }

 private:
  const bool narrow_;
  std::span<uint8_t> bytes_;
  std::span<int32_t> ints_;
};

// The pixels whose probabilities do not add up to a number in a range.
class SumCheck {
 public:
  SumCheck(const ProbabilityMaps& maps, const std::optional<std::array<double, 2>>& range)
      : maps_(maps), range_(range) {}

  void Look(const ProbabilityBlock& block, float* widened) {
    if (!range_) return;
    const auto [low, high] = *range_;
    if (maps_.classes == 2 && !AnyPairOutside(block, widened, low, high)) return;
    alignas(64) std::array<double, kBlockPixels> sums;
    std::fill_n(sums.begin(), block.count, 0.0);
    for (int64_t c = 0; c < maps_.classes; ++c) AddRow(block.Row(c, widened), block.count, sums.data());
    if (!AnyOutside(sums.data(), block.count, low, high)) return;
    for (int64_t i = 0; i < block.count; ++i)
      if (block.codes[i] >= 0 && !(sums[i] >= low && sums[i] <= high)) bad_.Add(block.at + i);
  }
  void Reject() const {
    Require(bad_.count == 0, "probs: expected sums over the classes from ", range_ ? (*range_)[0] : 0, " to ",
            range_ ? (*range_)[1] : 0, ", got other sums at ", bad_.count.load(), " pixels, the first ",
            bad_.first.load());
  }

 private:
  static bool AnyPairOutside(const ProbabilityBlock& block, float* widened, double low, double high) {
    alignas(64) std::array<float, kBlockPixels> second;
    const float* first = block.Row(0, widened);
    return PixelRowsLoops().any_pair_outside(first, block.Row(1, second.data()),
                                             static_cast<size_t>(block.count), low, high);
  }

  const ProbabilityMaps& maps_;
  const std::optional<std::array<double, 2>> range_;
  BadPixels bad_;
};

void Check(const ProbabilityMaps& maps, const Grid& grid, const CaseScoreOptions& options,
           const CaseScoreSums& sums) {
  CheckBins(maps, options.histograms, sums.histograms);
  Require(maps.mask.empty() && maps.weights.empty(), "mask: not supported, nor are weights");
  Require(grid.batch == maps.batch && grid.Pixels() == maps.pixels, "size: expected ", maps.pixels,
          " pixels, got ", grid.Pixels());
  for (const double floor : options.floors) CheckFloor(floor);
  Require(sums.proper.size() == options.floors.size(), "proper: expected ", options.floors.size(),
          " sums, got ", sums.proper.size());
  const int64_t cells = options.confusion ? CheckedProduct(maps.batch, maps.classes * maps.classes) : 0;
  Require(std::ssize(sums.confusion) == cells, "confusion: expected ", cells, " counts, got ",
          sums.confusion.size());
  Require(sums.surfaces.size() == options.surfaces.size(), "surfaces: expected ", options.surfaces.size(),
          " results, got ", sums.surfaces.size());
  Require(sums.rings.size() == options.rings.size(), "rings: expected ", options.rings.size(), " sums, got ",
          sums.rings.size());
  Require(options.temperature == (sums.temperature != nullptr), "temperature: expected sums where wanted");
  Require(sums.lesions.size() == options.lesions.size(), "lesions: expected ", options.lesions.size(),
          " results, got ", sums.lesions.size());
  for (const CaseLesions& each : options.lesions)
    Require(each.options.classes == maps.classes && each.options.ignore == maps.ignore,
            "lesions: expected the classes and the ignored label of the maps");
  for (const CaseSurfaces& each : options.surfaces)
    Require(each.regions.classes == maps.classes && each.regions.ignore == maps.ignore,
            "regions: expected the classes and the ignored label of the maps");
}

}  // namespace

void CaseScores(const ProbabilityMaps& maps, const Grid& grid, const CaseScoreOptions& options,
                const CaseScoreSums& sums) {
  Check(maps, grid, options, sums);
  const bool kept = !options.surfaces.empty() || !options.rings.empty() || !options.lesions.empty();
  const bool arg_max = kept || options.confusion;
  const bool confident = std::ranges::any_of(options.lesions, &CaseLesions::confidence);
  const bool any_value = options.histograms.empty() && options.floors.empty() && options.rings.empty() &&
                         !options.temperature && !confident;
  HistogramPass histograms(maps, options.histograms);
  ProperPass proper(maps, options.floors);
  // Rings need the logarithms of proper scores too: the pass of the first takes them along.
  const bool proper_here = !options.floors.empty() && options.rings.empty();
  ConfusionPass confusion(maps.classes, sums.confusion);
  const bool pairs = options.temperature && PairTemperaturePass::Fits(maps);
  PairTemperaturePass temperatures(maps, pairs);
  const Winners winners(maps, kept);
  SumCheck sum_check(maps, options.sums);
  BadPixels bad;
  const auto score = [&](int64_t chunk, BlockReader& reader) {
    HistogramPass::Chunk bins(histograms, chunk);
    ConfusionPass::Chunk counts(confusion);
    PairTemperaturePass::Chunk moments(temperatures, chunk);
    RowRoom rows;
    ProperBlock labels;
    while (const ProbabilityBlock* block = reader.Next()) {
      sum_check.Look(*block, rows.widened.data());
      const bool any_nan = bins.Add(*block, rows, arg_max);
      if (proper_here) {
        labels.Read(*block, maps.classes);
        proper.Add(*block, labels);
      }
      moments.Add(*block);
      if (options.confusion) counts.Add(block->image, block->codes.data(), rows.winner.data(), block->count);
      if (kept) winners.Keep(block->at, rows.winner.data(), block->count);
      if (any_nan)
        AddNanPixels([&](int64_t c) { return block->Row(c, rows.widened.data()); }, maps.classes, block->at,
                     block->count, bad);
    }
    bins.End();
    counts.End();
    moments.End();
  };
  ForChunks(maps, HistogramPass::kLeastBlocks, score,
            any_value ? MapValues::kAny : MapValues::kProbabilities);
  RejectNanPixels("probs", bad);
  sum_check.Reject();
  histograms.Write(sums.histograms);
  for (size_t s = 0; s < options.surfaces.size(); ++s)
    CheckedSurfaceDistances(winners.Labels(), maps.labels, grid, options.surfaces[s].regions,
                            options.surfaces[s].options, sums.surfaces[s]);
  const AfterBlock add_proper = [&](const ProbabilityBlock& block, const ProperBlock& labels) {
    proper.Add(block, labels);
  };
  for (size_t r = 0; r < options.rings.size(); ++r)
    BoundaryCalibration(maps, grid, options.rings[r], winners.Labels(), sums.rings[r],
                        r == 0 && !options.floors.empty() ? add_proper : AfterBlock());
  proper.Write(sums.proper);
  if (options.temperature) *sums.temperature = pairs ? temperatures.Sums() : Temperatures(maps, true);
  for (size_t l = 0; l < options.lesions.size(); ++l) {
    LesionOptions checked = options.lesions[l].options;
    checked.checked = true;
    sums.lesions[l] = FindLesions(winners.Labels(), maps.labels,
                                  options.lesions[l].confidence ? maps.probs : FloatSpan(), grid, checked);
  }
}

}  // namespace pixelcal::cpu
