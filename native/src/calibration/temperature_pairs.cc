// Temperatures of two classes without a logarithm per pixel: r = p / p' falls into a bin, which keeps the
// moments up to the fourth of the place of r in it. Five points whose weights have these moments stand for
// its pixels: sums of any smooth function of r are those over the points, up to what a polynomial of degree 4
// leaves of it in so narrow a bin. O(pixels), then O(bins x points of the sketch).
#include "calibration/temperature_pairs.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "base/parallel.h"
#include "base/scratch.h"
#include "calibration/temperature_sums.h"

namespace pixelcal::cpu {
namespace {

using simd::kCellNumbers;
using simd::kMoments;
using simd::kPairTables;
using simd::kTableCells;

using Moments = std::array<double, kMoments>;

void Add(const double* from, Moments& to) {
  for (size_t power = 0; power < to.size(); ++power) to[power] += from[power];
}

// Returns the weights at the places -1, -1/2, 0, 1/2 and 1 that have the moments.
Moments WeightsOf(const Moments& moments) {
  const auto [m0, m1, m2, m3, m4] = moments;
  const double ends = m4 - 0.25 * m2, ends_odd = m3 - 0.25 * m1;
  const double halves = m4 - m2, halves_odd = 0.5 * (m3 - m1);
  return {(ends - ends_odd) / 1.5, -(halves - halves_odd) / 0.375, 4 * m4 - 5 * m2 + m0,
          -(halves + halves_odd) / 0.375, (ends + ends_odd) / 1.5};
}

// Points that stand for the pixels of bins.
class Points {
 public:
  // Adds the points of a bin: all its pixels, and those with the less probable label.
  void Add(size_t bin, const Moments& all, const Moments& wrong) {
    const simd::RatioBin place = simd::RatioBinAt(static_cast<int64_t>(bin));
    for (int i = -2; i <= 2; ++i) ratios_.push_back(place.middle + 0.5 * i * place.half_width);
    std::ranges::copy(WeightsOf(all), std::back_inserter(weights_));
    std::ranges::copy(WeightsOf(wrong), std::back_inserter(wrong_));
  }

  TemperatureSums Sums() const {
    constexpr int64_t kGrain = 1024;
    std::vector<TemperatureSums> chunks((ratios_.size() + kGrain - 1) / kGrain);
    ParallelFor(std::ssize(ratios_), kGrain, [&](int64_t begin, int64_t end) {
      const auto lanes = std::make_unique<simd::TemperatureLanes>();
      TemperatureLoops().add_pairs(ratios_.data() + begin, weights_.data() + begin, wrong_.data() + begin,
                                   static_cast<size_t>(end - begin), lanes.get());
      chunks[static_cast<size_t>(begin / kGrain)] = SumsOf(*lanes);
    });
    TemperatureSums sums;
    for (const TemperatureSums& chunk : chunks) sums += chunk;
    return sums;
  }

 private:
  std::vector<double> ratios_, weights_, wrong_;
};

}  // namespace

PairTemperaturePass::Chunk::Chunk(PairTemperaturePass& pass, int64_t chunk) : pass_(pass), chunk_(chunk) {
  constexpr auto kNumbers = static_cast<size_t>(kPairTables * kTableCells * kCellNumbers);
  if (!pass.chunks_.empty()) cells_ = Scratch<double, struct PairMoments>(kNumbers);
}

void PairTemperaturePass::Chunk::Add(const ProbabilityBlock& block) {
  if (!cells_) return;
  alignas(64) std::array<float, kBlockPixels> first, second;
  TemperatureLoops().add_moments(block.Row(0, first.data()), block.Row(1, second.data()), block.codes.data(),
                                 static_cast<size_t>(block.count), cells_, &counts_);
}

void PairTemperaturePass::Chunk::End() {
  if (!cells_) return;
  Found& found = pass_.chunks_[static_cast<size_t>(chunk_)];
  found.counts = counts_;
  found.bins.resize(static_cast<size_t>(*std::ranges::max_element(counts_.last)) + 1);
  double* cell = cells_;
  for (Bin& bin : found.bins) {
    for (int64_t table = 0; table < kPairTables; ++table) {
      double* of_table = cell + table * kTableCells * kCellNumbers;
      if (of_table[0] == 0) continue;
      cpu::Add(of_table, bin.all);
      if (table == simd::kWrongTable) cpu::Add(of_table, bin.wrong);
      std::fill_n(of_table, kCellNumbers, 0.0);
    }
    cell += kCellNumbers;
  }
  cells_ = nullptr;
}

PairTemperaturePass::Chunk::~Chunk() {
  if (!cells_) return;
  const int64_t last = *std::ranges::max_element(counts_.last);
  for (int64_t table = 0; table < kPairTables; ++table)
    std::fill_n(cells_ + table * kTableCells * kCellNumbers, (last + 1) * kCellNumbers, 0.0);
}

TemperatureSums PairTemperaturePass::Sums() const {
  size_t size = 0;
  for (const Found& chunk : chunks_) size = std::max(size, chunk.bins.size());
  Points points;
  for (size_t bin = 0; bin < size; ++bin) {
    Bin sum{};
    for (const Found& chunk : chunks_) {
      if (bin >= chunk.bins.size()) continue;
      Add(chunk.bins[bin].all.data(), sum.all);
      Add(chunk.bins[bin].wrong.data(), sum.wrong);
    }
    if (sum.all[0] > 0) points.Add(bin, sum.all, sum.wrong);
  }
  TemperatureSums sums = points.Sums();
  for (const Found& chunk : chunks_) {
    sums.count += SumOf(chunk.counts.count);
    sums.impossible += SumOf(chunk.counts.impossible);
  }
  return sums;
}

}  // namespace pixelcal::cpu
