// Temperatures of two classes: one logarithm a pixel, then O(bins x points) whatever the pixels. A bin keeps
// the moments up to the fourth of the place of ln(p / p') in it; five points whose weights have these moments
// stand for its pixels.
#include "calibration/temperature_pairs.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/parallel.h"
#include "base/scratch.h"
#include "calibration/probability_block.h"
#include "calibration/temperature_loops.h"
#include "calibration/temperature_sums.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kLeastBlocks = 16;
constexpr size_t kMoments = 5, kBins = simd::kOddsBins, kCells = (kBins + 1) * kMoments;  // one for no bin

// Adds the pixels of a block to one of two tables, so that neighbours in one bin do not wait for each other.
void AddMoments(const simd::PairOdds& odds, int64_t count, double* cells) {
  for (int64_t i = 0; i < count; ++i) {
    double* cell = cells + (i & 1) * kCells + static_cast<size_t>(odds.bin[i]) * kMoments;
    const double u = odds.place[i], square = u * u;
    cell[0] += 1;
    cell[1] += u;
    cell[2] += square;
    cell[3] += square * u;
    cell[4] += square * square;
  }
}

// Points that stand for the pixels of bins.
class Points {
 public:
  // Adds the five points of a bin of these moments.
  void Add(size_t bin, const double* moments) {
    const double m1 = moments[1], m2 = moments[2], m3 = moments[3], m4 = moments[4];
    const double ends = m4 - 0.25 * m2, ends_odd = m3 - 0.25 * m1;
    const double halves = m4 - m2, halves_odd = 0.5 * (m3 - m1);
    const std::array<double, kMoments> weights{(ends - ends_odd) / 1.5, -(halves - halves_odd) / 0.375,
                                               4 * m4 - 5 * m2 + moments[0], -(halves + halves_odd) / 0.375,
                                               (ends + ends_odd) / 1.5};
    const simd::OddsBin place = simd::OddsBinAt(static_cast<int64_t>(bin));
    for (size_t i = 0; i < kMoments; ++i) {
      odds_.push_back(place.middle + (0.5 * static_cast<double>(i) - 1) * place.half_width);
      weights_.push_back(weights[i]);
    }
  }

  // Returns the sums of all points, of those with the more probable label.
  TemperatureSums Sums() const {
    constexpr int64_t kGrain = 1024;
    std::vector<TemperatureSums> chunks((odds_.size() + kGrain - 1) / kGrain);
    ParallelFor(std::ssize(odds_), kGrain, [&](int64_t begin, int64_t end) {
      const auto lanes = std::make_unique<simd::TemperatureLanes>();
      TemperatureLoops().add_pairs(odds_.data() + begin, weights_.data() + begin,
                                   static_cast<size_t>(end - begin), lanes.get());
      chunks[static_cast<size_t>(begin / kGrain)] = SumsOf(*lanes);
    });
    TemperatureSums sums;
    for (const TemperatureSums& chunk : chunks) sums += chunk;
    return sums;
  }

 private:
  std::vector<double> odds_, weights_;
};

}  // namespace

TemperatureSums PairTemperatures(const ProbabilityMaps& maps, bool checked) {
  const auto count = static_cast<size_t>(ChunkCount(maps, kLeastBlocks));
  std::vector<double> cells(count * kCells);
  std::vector<simd::PairCounts> counts(count);
  const auto add = [&](int64_t chunk, BlockReader& reader) {
    const auto odds = std::make_unique<simd::PairOdds>();
    double* own = Scratch<double, struct PairMoments>(2 * kCells);
    std::fill_n(own, 2 * kCells, 0.0);
    alignas(64) std::array<float, kBlockPixels> first, second;
    while (const ProbabilityBlock* block = reader.Next()) {
      TemperatureLoops().odds(block->Row(0, first.data()), block->Row(1, second.data()), block->codes.data(),
                              static_cast<size_t>(block->count), odds.get(), &counts[chunk]);
      AddMoments(*odds, block->count, own);
    }
    double* to = cells.data() + static_cast<size_t>(chunk) * kCells;
    for (size_t i = 0; i < kCells; ++i) to[i] = own[i] + own[kCells + i];
  };
  ForChunks(maps, kLeastBlocks, add, checked ? MapValues::kAny : MapValues::kProbabilities);
  for (size_t chunk = 1; chunk < count; ++chunk)
    for (size_t i = 0; i < kCells; ++i) cells[i] += cells[chunk * kCells + i];
  Points points;
  for (size_t bin = 0; bin < kBins; ++bin)
    if (cells[bin * kMoments] > 0) points.Add(bin, &cells[bin * kMoments]);
  TemperatureSums sums = points.Sums();
  double wrong = 0;
  for (const simd::PairCounts& each : counts) {
    sums.count += SumOf(each.count);
    sums.impossible += SumOf(each.impossible);
    wrong += SumOf(each.wrong);
  }
  for (double& slope : sums.slope) slope += wrong;
  sums.loss += wrong;
  return sums;
}

}  // namespace pixelcal::cpu
