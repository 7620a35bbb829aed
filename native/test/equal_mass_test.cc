#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "calibration/calibration.h"
#include "check.h"
#include "histogram_twin.h"
#include "probability_case.h"
#include "thinned.h"

namespace pixelcal::test {
namespace {

// The slow twin, which sorts the counted probabilities of every class.
std::vector<double> SortedEdges(const ProbabilityCase& made, const CalibrationOptions& options) {
  std::vector<double> edges;
  for (int64_t c = 0; c < made.classes; ++c) {
    std::vector<float> sorted;
    for (int64_t pixel = 0; pixel < made.batch * made.pixels; ++pixel) {
      const float p =
          made.probs[(pixel / made.pixels * made.classes + c) * made.pixels + pixel % made.pixels];
      if (made.labels[pixel] != ProbabilityCase::kIgnored && made.mask[pixel] && p > options.threshold)
        sorted.push_back(p);
    }
    std::sort(sorted.begin(), sorted.end());
    edges.push_back(0);
    for (int64_t bin = 1; bin < options.bins; ++bin) {
      const int64_t before = bin * std::ssize(sorted) / options.bins;
      const int64_t rank = options.closed == BinEdges::kRightClosed ? before - 1 : before;
      edges.push_back(rank < 0 ? 0 : rank < std::ssize(sorted) ? sorted[rank] : 1);
    }
    edges.push_back(1);
  }
  return edges;
}

TEST(EqualMassEdgesEqualTheTwin) {
  for (const int64_t pixels : {1, 3, 1000, 2049, 140000})
    for (const bool half : {false, true}) {
      const ProbabilityCase made = MakeCase(pixels > 100000 ? 1 : 2, 2, pixels, 7, half);
      for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed})
        for (const int64_t bins : {1, 4, 10, 600})
          for (const float threshold : {-1.0f, 1e-3f}) {
            if (pixels * bins > 2'000'000 || test::LeftOut()) continue;
            const CalibrationOptions options{Score::kClasses, closed, bins, {}, threshold};
            const std::vector<double> expected = SortedEdges(made, options);
            EverywhereAtAnyThreadCount([&] {
              std::vector<double> edges(2 * (bins + 1));
              cpu::EqualMassEdges(made.Maps(true, false), options, edges);
              CHECK(edges == expected, "pixels ", pixels, " half ", half, " bins ", bins);
            });
          }
    }
}

TEST(EqualMassBinsHoldAsManyPixels) {
  constexpr int64_t kPixels = 70000;
  ProbabilityCase made = MakeCase(1, 2, kPixels, 7);
  std::mt19937 random(8);
  for (float& p : made.probs) p = static_cast<float>(random() % (1 << 20) + 1) * 0x1p-21f;
  for (int32_t& label : made.labels) label = std::max(label, 0);
  for (const Score score : {Score::kClasses, Score::kForeground, Score::kTopLabel}) {
    const int64_t groups = cpu::CalibrationGroups(score, 2);
    CalibrationOptions options{score, BinEdges::kRightClosed, 4, {}, -1};
    std::vector<double> edges(groups * 5);
    cpu::EqualMassEdges(made.Maps(false, false), options, edges);
    options.edges = edges;
    const Sums sums = Bins(made.Maps(false, false), options);
    CHECK(sums == Twin(made.Maps(false, false), options));
    for (const double count : sums.count) CHECK(std::abs(count - kPixels / 4.0) < 5, count);
  }
}

TEST(EqualMassEdgesOfNothing) {
  ProbabilityCase made = MakeCase(1, 2, 100, 9);
  std::fill(made.mask.begin(), made.mask.end(), uint8_t{0});
  for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed}) {
    const CalibrationOptions options{Score::kClasses, closed, 4, {}, -1};
    std::vector<double> edges(10);
    cpu::EqualMassEdges(made.Maps(true, false), options, edges);
    CHECK(edges == SortedEdges(made, options));
  }
}

TEST(EqualMassEdgesReject) {
  const ProbabilityCase made = MakeCase(2, 2, 3, 6);
  CalibrationOptions options{Score::kClasses, BinEdges::kRightClosed, 3, {}, -1};
  std::vector<double> room(8);
  CHECK_THROWS(cpu::EqualMassEdges(made.Maps(false, true), options, room), "weights: not supported");
  CHECK_THROWS(cpu::EqualMassEdges(made.Maps(false, false), options, std::span(room).first(7)),
               "edges: expected 8, got 7");
  options.bins = 0;
  CHECK_THROWS(cpu::EqualMassEdges(made.Maps(false, false), options, room),
               "bins: expected 1 to 65536, got 0");
  options.bins = 2;
  options.threshold = std::nanf("");
  CHECK_THROWS(cpu::EqualMassEdges(made.Maps(false, false), options, std::span(room).first(6)),
               "threshold: expected a number, got NaN");
}

}  // namespace
}  // namespace pixelcal::test
