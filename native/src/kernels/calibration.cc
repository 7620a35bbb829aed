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
#include "kernels/scores.h"

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
  BinTable(std::span<const double> edges, BinEdges closed) {
    for (const double edge : edges)
      thresholds_.push_back(closed == BinEdges::kRightClosed ? LargestAtMost(edge) : LargestBelow(edge));
    if (closed == BinEdges::kLeftClosed) thresholds_.back() = 1.0f;
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
        bins_(options.bins),
        groups_(CalibrationGroups(options.score, maps.classes)),
        stride_(groups_ * (bins_ + 1)),
        classes_(maps.classes),
        cells_(ChunkCount(maps) * stride_) {
    for (auto edges = options.edges; !edges.empty(); edges = edges.subspan(bins_ + 1))
      tables_.emplace_back(edges.first(bins_ + 1), options.closed);
  }

  void operator()(const ProbabilityBlock& block, int64_t chunk) {
    Cell<Sum>* cells = cells_.data() + chunk * stride_;
    ForScores(block, options_.score, classes_, options_.threshold,
              [&](int64_t group, int64_t i, float p, bool hit) {
                const int bin = tables_[tables_.size() > 1 ? group : 0].Find(p);
                AddPixel(cells[group * (bins_ + 1) + (bin < 0 ? bins_ : bin)], p, hit, block.Weight(i));
              });
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

  const CalibrationOptions& options_;
  int64_t bins_, groups_, stride_, classes_;
  std::vector<BinTable> tables_;  // one, or one per group
  std::vector<Cell<Sum>> cells_;  // [chunk][group][bin], the last bin for pixels in no bin
};

}  // namespace

int64_t CalibrationGroups(Score score, int64_t classes) { return score == Score::kClasses ? classes : 1; }

void CalibrationBins(const ProbabilityMaps& maps, const CalibrationOptions& options,
                     const CalibrationSums& sums) {
  CheckMaps(maps);
  const int64_t bins = options.bins, groups = CalibrationGroups(options.score, maps.classes);
  Require(bins >= 1, "bins: expected at least 1, got ", bins);
  Require(std::ssize(options.edges) == bins + 1 || std::ssize(options.edges) == groups * (bins + 1),
          "edges: expected ", bins + 1, " or ", groups * (bins + 1), ", got ", options.edges.size());
  for (int64_t at = 0; at < std::ssize(options.edges); ++at) {
    const double edge = options.edges[at];
    if (at % (bins + 1) == 0)
      Require(edge == 0, "edges: expected 0 first, got ", edge);
    else
      Require(edge >= options.edges[at - 1], "edges: expected increasing numbers, got ", edge, " after ",
              options.edges[at - 1]);
    if (at % (bins + 1) == bins) Require(edge == 1, "edges: expected 1 last, got ", edge);
  }
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
