#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/span.h"

namespace pixelcal {

// The binned quantity, and the pixels that count as hits.
enum class Score {
  kForeground,  // one group: p = 1 - p_0 in float32, hit: label != 0
  kClasses,     // a group per class: p = p_c, hit: label == c
  kTopLabel,    // one group: p = max_c p_c, hit: the first arg-max == label
};
inline constexpr size_t kScores = 3;

// The rule for edges. kRightClosed: (lo, hi], the first bin closed unless `include_lowest` is off.
// kLeftClosed: [lo, hi), the last bin closed.
enum class BinEdges { kRightClosed, kLeftClosed };

inline constexpr int64_t kMaxBins = 65536;

// The probabilities [batch, classes, pixels] with their labels [batch, pixels].
struct ProbabilityMaps {
  FloatSpan probs;
  LabelSpan labels;
  int64_t batch = 1, classes = 1, pixels = 1;
  std::optional<int64_t> ignore;   // pixels with this label are left out
  std::span<const uint8_t> mask;   // [batch, pixels] or empty: pixels with 0 are left out
  std::span<const float> weights;  // [batch, pixels] or empty: every count and sum is weighted
};

struct CalibrationOptions {
  Score score = Score::kForeground;
  BinEdges closed = BinEdges::kRightClosed;
  int64_t bins = 10;
  // The bins + 1 edges from 0 to 1, never decreasing, or as many for each group one after the other; compared
  // with float32 probabilities in double.
  std::span<const double> edges;
  float threshold = -1;        // only probabilities above it count, in `total` too
  bool include_lowest = true;  // for kRightClosed: p = 0 is in the first bin, else in none
  bool squares = false;        // whether sums of p^2 are wanted, which take a pass of their own
  bool objects = false;        // whether only pixels count whose label is not 0; on the CPU, without weights
};

// The sums per group and bin, [groups, bins]. `total` [groups] also counts pixels in no bin, `dropped`
// [groups] only those. `squares` is empty unless wanted. All may be added up over images.
struct CalibrationSums {
  std::span<double> total, dropped, count, confidence, accuracy, false_positive, squares = {};
};

struct ProbabilityScoreSums {
  double total = 0;     // pixels, or their weight
  double brier = 0;     // sum of sum_c (p_c - [label == c])^2
  double log_loss = 0;  // sum of -ln max(p_label, floor); infinite when any is 0
  double bounded = 0;   // unweighted number of pixels whose p_label is below the floor

  ProbabilityScoreSums& operator+=(const ProbabilityScoreSums& other) {
    total += other.total;
    brier += other.brier;
    log_loss += other.log_loss;
    bounded += other.bounded;
    return *this;
  }
};

namespace cpu {

int64_t CalibrationGroups(Score score, int64_t classes);

// Computes the sums of every histogram in `options` in one pass. count: pixels; confidence: sum of p;
// accuracy: hits; false_positive: sum of p over the pixels that are no hits. Sums of p are whole multiples of
// 2^-40 (p is exact from 2^-17 on, else rounded to the nearest): the same bits in any order. With weights
// they are doubles added in a fixed order, and so are squares: sum of p^2, or of (w p) p with w p in float32.
void CalibrationBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                     std::span<const CalibrationSums> sums);

// Throws for arguments of CalibrationBins whose values or sizes do not fit.
void CheckBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
               std::span<const CalibrationSums> sums);

// Computes the edges of bins of equal mass, [groups, bins + 1], between 0 and 1: with the n counted
// probabilities of a group in order, inner edge i is the last of the first i n / bins of them for
// kRightClosed, the next one for kLeftClosed. Equal probabilities stay in one bin, which may leave others
// empty; `options.edges` is not read.
void EqualMassEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, std::span<double> edges);

// Throws unless `floor` is 0 or a normal number below 1.
void CheckFloor(double floor);

// Sums Brier scores and log losses; `floor` bounds p_label from below in the logarithm.
ProbabilityScoreSums ProbabilityScores(const ProbabilityMaps& maps, double floor = 0);

}  // namespace cpu

namespace cuda {

// Equals cpu:: bit for bit, except for weighted sums, which are added in another fixed order.
void CalibrationBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                     std::span<const CalibrationSums> sums);
void EqualMassEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, std::span<double> edges);
ProbabilityScoreSums ProbabilityScores(const ProbabilityMaps& maps, double floor = 0);

}  // namespace cuda
}  // namespace pixelcal
