// Histograms of predicted probabilities with the sums every binned calibration error is made of.
//
// One pass over blocks of 4096 pixels whose labels were narrowed once. A bin is found from a table of 256
// cells of [0, 1] and then exactly, against the edges. Edges are doubles but probabilities are float32, so p
// > e is p > t with t the largest float32 <= e, and every edge rule is a table of float32 thresholds with bin
// m = (t_m, t_m+1].
#include "kernels/calibration.h"

#include <cmath>
#include <limits>
#include <vector>

#include "error.h"
#include "kernels/probability_block.h"

namespace pixelcal::cpu {
namespace {

constexpr int kCells = 256;
constexpr int kFractionBits = 40;
constexpr double kUnit = 0x1p40;

float LargestAtMost(double value) {
  const auto rounded = static_cast<float>(value);
  return static_cast<double>(rounded) > value ? std::nextafter(rounded, -1.0f) : rounded;
}

float LargestBelow(double value) {
  const float at_most = LargestAtMost(value);
  return static_cast<double>(at_most) == value ? std::nextafter(at_most, -1.0f) : at_most;
}

class BinTable {
 public:
  explicit BinTable(const CalibrationOptions& options) {
    for (const double edge : options.edges)
      thresholds_.push_back(options.closed == BinEdges::kRightClosed ? LargestAtMost(edge)
                                                                     : LargestBelow(edge));
    if (options.closed == BinEdges::kLeftClosed) thresholds_.back() = 1.0f;
    first_.resize(kCells + 1);
    int bin = 0;
    for (int cell = 0; cell <= kCells; ++cell) {
      while (bin + 2 < static_cast<int>(thresholds_.size()) &&
             static_cast<float>(cell) / kCells > thresholds_[bin + 1])
        ++bin;
      first_[cell] = bin;
    }
  }

  // The bin of p in [0, 1], or -1.
  int Find(float p) const {
    if (!(p > thresholds_[0])) return -1;
    int bin = first_[static_cast<int>(p * kCells)];
    while (p > thresholds_[bin + 1]) ++bin;
    return bin;
  }

 private:
  std::vector<float> thresholds_;
  std::vector<int> first_;
};

// Counts and sums of p of one bin; Sum is int64_t in units of 2^-40, or double when there are weights.
template <class Sum>
struct Cell {
  Sum count = 0, confidence = 0, accuracy = 0, false_positive = 0;
};

inline void AddPixel(Cell<int64_t>& cell, float p, bool hit, float) {
  const auto units = static_cast<int64_t>(static_cast<double>(p) * kUnit + 0.5);
  ++cell.count;
  cell.confidence += units;
  cell.accuracy += hit;
  cell.false_positive += hit ? 0 : units;
}

inline void AddPixel(Cell<double>& cell, float p, bool hit, float weight) {
  const double weighted = static_cast<double>(weight) * p;
  cell.count += weight;
  cell.confidence += weighted;
  cell.accuracy += hit ? weight : 0.0f;
  cell.false_positive += hit ? 0.0 : weighted;
}

// A sum of chunk sums: exact for fixed point, in order for doubles.
struct FixedTotal {
  int64_t whole = 0, fraction = 0;
  void Add(int64_t units) {
    fraction += units & ((int64_t{1} << kFractionBits) - 1);
    whole += (units >> kFractionBits) + (fraction >> kFractionBits);
    fraction &= (int64_t{1} << kFractionBits) - 1;
  }
  double Value() const { return static_cast<double>(whole) + static_cast<double>(fraction) / kUnit; }
};
struct DoubleTotal {
  double sum = 0;
  void Add(double value) { sum += value; }
  double Value() const { return sum; }
};

template <class Sum>
class Binner {
 public:
  Binner(const ProbabilityMaps& maps, const CalibrationOptions& options)
      : options_(options),
        table_(options),
        bins_(std::ssize(options.edges) - 1),
        groups_(CalibrationGroups(options.score, maps.classes)),
        stride_(groups_ * (bins_ + 1)),
        classes_(maps.classes),
        cells_(ChunkCount(maps) * stride_) {}

  void operator()(const ProbabilityBlock& block, int64_t chunk) {
    Cell<Sum>* cells = cells_.data() + chunk * stride_;
    switch (options_.score) {
      case Score::kForeground:
        return AddGroup(
            block, cells, [&](int64_t i) { return 1.0f - block.probs[i]; },
            [&](int64_t i) { return block.label[i] != 0; });
      case Score::kClasses:
        for (int64_t c = 0; c < classes_; ++c) {
          const float* probs = block.probs + c * block.pixels;
          AddGroup(
              block, cells + c * (bins_ + 1), [&](int64_t i) { return probs[i]; },
              [&](int64_t i) { return block.label[i] == c; });
        }
        return;
      case Score::kTopLabel: {
        std::array<float, kBlockPixels> top;
        std::array<int16_t, kBlockPixels> winner;
        std::copy_n(block.probs, block.count, top.begin());
        std::fill_n(winner.begin(), block.count, int16_t{0});
        for (int64_t c = 1; c < classes_; ++c) {
          const float* probs = block.probs + c * block.pixels;
          for (int64_t i = 0; i < block.count; ++i) {
            winner[i] = probs[i] > top[i] ? static_cast<int16_t>(c) : winner[i];
            top[i] = std::max(top[i], probs[i]);
          }
        }
        return AddGroup(
            block, cells, [&](int64_t i) { return top[i]; },
            [&](int64_t i) { return winner[i] == block.label[i]; });
      }
    }
  }

  template <class Total>
  void Write(const CalibrationSums& sums) const {
    for (int64_t group = 0; group < groups_; ++group) {
      Total everywhere;
      for (int64_t bin = 0; bin <= bins_; ++bin) {
        Total count, confidence, accuracy, false_positive;
        for (int64_t at = group * (bins_ + 1) + bin; at < std::ssize(cells_); at += stride_) {
          const Cell<Sum>& cell = cells_[at];
          count.Add(Scaled(cell.count));
          everywhere.Add(Scaled(cell.count));
          accuracy.Add(Scaled(cell.accuracy));
          confidence.Add(cell.confidence);
          false_positive.Add(cell.false_positive);
        }
        if (bin == bins_) continue;  // the pixels in no bin
        const int64_t to = group * bins_ + bin;
        sums.count[to] = count.Value();
        sums.confidence[to] = confidence.Value();
        sums.accuracy[to] = accuracy.Value();
        sums.false_positive[to] = false_positive.Value();
      }
      sums.total[group] = everywhere.Value();
    }
  }

 private:
  // Counts in the units of the sums of p.
  static double Scaled(double count) { return count; }
  static int64_t Scaled(int64_t count) { return count << kFractionBits; }

  template <class P, class Hit>
  void AddGroup(const ProbabilityBlock& block, Cell<Sum>* cells, const P& probability, const Hit& hit) {
    for (int64_t i = 0; i < block.count; ++i) {
      if (block.label[i] < 0) continue;
      const float p = probability(i);
      // The second test keeps a probability that is about to be rejected away from the tables.
      if (!(p > options_.threshold) || !(p <= 1)) continue;
      const int bin = table_.Find(p);
      AddPixel(cells[bin < 0 ? bins_ : bin], p, hit(i), block.Weight(i));
    }
  }

  const CalibrationOptions& options_;
  BinTable table_;
  int64_t bins_, groups_, stride_, classes_;
  std::vector<Cell<Sum>> cells_;  // [chunk][group][bin], the last bin for pixels in no bin
};

}  // namespace

int64_t CalibrationGroups(Score score, int64_t classes) { return score == Score::kClasses ? classes : 1; }

void CalibrationBins(const ProbabilityMaps& maps, const CalibrationOptions& options,
                     const CalibrationSums& sums) {
  CheckMaps(maps);
  const int64_t bins = std::ssize(options.edges) - 1, groups = CalibrationGroups(options.score, maps.classes);
  Require(bins >= 1, "edges: expected at least 2, got ", options.edges.size());
  Require(options.edges[0] == 0 && options.edges[bins] == 1, "edges: expected 0 to 1, got ", options.edges[0],
          " to ", options.edges[bins]);
  for (int64_t bin = 0; bin < bins; ++bin)
    Require(options.edges[bin] <= options.edges[bin + 1], "edges: expected increasing numbers, got ",
            options.edges[bin + 1], " after ", options.edges[bin]);
  Require(!std::isnan(options.threshold), "threshold: expected a number, got NaN");
  Require(std::ssize(sums.total) == groups, "total: expected ", groups, " values, got ", sums.total.size());
  for (const std::span<double> sum : {sums.count, sums.confidence, sums.accuracy, sums.false_positive})
    Require(std::ssize(sum) == groups * bins, "sums: expected ", groups * bins, " values, got ", sum.size());
  if (maps.weights.empty()) {
    Binner<int64_t> binner(maps, options);
    ForBlocks(maps, binner);
    binner.Write<FixedTotal>(sums);
  } else {
    Binner<double> binner(maps, options);
    ForBlocks(maps, binner);
    binner.Write<DoubleTotal>(sums);
  }
}

ProbabilityScoreSums ProbabilityScores(const ProbabilityMaps& maps) {
  CheckMaps(maps);
  std::vector<ProbabilityScoreSums> chunks(ChunkCount(maps));
  auto add = [&](const ProbabilityBlock& block, int64_t chunk) {
    std::array<double, kBlockPixels> brier{};
    for (int64_t c = 0; c < maps.classes; ++c) {
      const float* probs = block.probs + c * block.pixels;
      for (int64_t i = 0; i < block.count; ++i) {
        const double difference = static_cast<double>(probs[i]) - (block.label[i] == c ? 1.0 : 0.0);
        brier[i] += difference * difference;
      }
    }
    ProbabilityScoreSums& sums = chunks[chunk];
    for (int64_t i = 0; i < block.count; ++i) {
      const double weight = block.Weight(i);
      if (block.label[i] < 0 || weight == 0) continue;
      sums.total += weight;
      sums.brier += weight * brier[i];
      sums.log_loss -= weight * std::log(static_cast<double>(block.probs[block.label[i] * block.pixels + i]));
    }
  };
  ForBlocks(maps, add);
  ProbabilityScoreSums result;
  for (const ProbabilityScoreSums& chunk : chunks) {
    result.total += chunk.total;
    result.brier += chunk.brier;
    result.log_loss += chunk.log_loss;
  }
  return result;
}

}  // namespace pixelcal::cpu
