#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "calibration/calibration.h"
#include "check.h"
#include "probability_case.h"

namespace pixelcal::test {
namespace {

// The slow twin, with the library's logarithm.
ProbabilityScoreSums Twin(const ProbabilityCase& made, bool masked, bool weighted, double floor) {
  ProbabilityScoreSums sums;
  for (int64_t pixel = 0; pixel < made.batch * made.pixels; ++pixel) {
    const int32_t label = made.labels[pixel];
    const double weight = weighted ? made.weights[pixel] : 1;
    if (label < 0 || (masked && !made.mask[pixel]) || weight == 0) continue;
    sums.total += weight;
    for (int64_t c = 0; c < made.classes; ++c) {
      const double p =
          made.probs[(pixel / made.pixels * made.classes + c) * made.pixels + pixel % made.pixels];
      sums.brier += weight * std::pow(p - (label == c), 2);
      if (label == c) sums.log_loss -= weight * std::log(std::max(p, floor));
      if (label == c && p < floor) ++sums.bounded;
    }
  }
  return sums;
}

bool Near(double a, double b) { return a == b || std::abs(a - b) <= 1e-13 * std::abs(b); }

TEST(ProbabilityScoresEqualTheTwin) {
  for (const auto& [batch, classes, pixels] :
       std::vector<std::array<int64_t, 3>>{{1, 1, 1}, {2, 3, 7}, {1, 2, 8}, {1, 4, 2047}, {2, 3, 4500}})
    for (const bool half : {false, true})
      for (const int extra : {0, 1, 2, 3})
        for (const bool positive : {false, true}) {
          ProbabilityCase made = MakeCase(batch, classes, pixels, 4, half && !positive);
          if (positive)
            for (float& p : made.probs) p = std::max(p, 1e-30f);
          for (const double floor : {0.0, 1e-12, 0.25}) {
            const ProbabilityScoreSums expected = Twin(made, extra & 1, extra & 2, floor);
            EverywhereAtAnyThreadCount([&] {
              const ProbabilityScoreSums sums =
                  cpu::ProbabilityScores(made.Maps(extra & 1, extra & 2), floor);
              CHECK(sums.total == expected.total && sums.bounded == expected.bounded);
              CHECK(Near(sums.brier, expected.brier), sums.brier, " for ", expected.brier);
              CHECK(Near(sums.log_loss, expected.log_loss), sums.log_loss, " for ", expected.log_loss);
            });
          }
        }
}

TEST(LogLossIsInDoubleAccuracy) {
  // One pixel per case, so that nothing averages out.
  std::mt19937 random(5);
  std::vector<float> values{1,    1e-45f,         1e-38f,        0x1.fffffep-1f, 0x1.fffffcp-1f,
                            0.5f, 0x1.6a09e6p-1f, 0x1.6a09e8p-1f};
  for (int i = 0; i < 2000; ++i) {
    const uint32_t bits = random() % 0x3f800000 + 1;
    float p;
    std::memcpy(&p, &bits, sizeof p);
    values.push_back(p);
  }
  const std::vector<uint8_t> label{0};
  ForEachIsa([&] {
    for (const float& p : values) {
      const ProbabilityMaps maps{
          std::span<const float>(&p, 1), std::span<const uint8_t>(label), 1, 1, 1, {}, {}, {}};
      const double loss = cpu::ProbabilityScores(maps).log_loss, expected = -std::log(static_cast<double>(p));
      CHECK(std::abs(loss - expected) <= 3e-16 * std::abs(expected), p, ": ", loss - expected);
    }
    const float zero = 0;
    const ProbabilityMaps maps{
        std::span<const float>(&zero, 1), std::span<const uint8_t>(label), 1, 1, 1, {}, {}, {}};
    CHECK(cpu::ProbabilityScores(maps).log_loss == std::numeric_limits<double>::infinity());
  });
}

TEST(ProbabilityScoresRefuseFloors) {
  const ProbabilityCase made = MakeCase(1, 2, 3, 1);
  for (const double floor : {-1e-9, 1.0, 1e-310, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS(cpu::ProbabilityScores(made.Maps(false, false), floor), "floor: expected 0 or a number");
}

TEST(ProbabilityScoresAreTheSameEverywhere) {
  const ProbabilityCase made = MakeCase(2, 3, 40001, 6);
  for (const bool weighted : {false, true}) {
    const ProbabilityScoreSums expected = cpu::ProbabilityScores(made.Maps(true, weighted));
    EverywhereAtAnyThreadCount([&] {
      const ProbabilityScoreSums sums = cpu::ProbabilityScores(made.Maps(true, weighted));
      CHECK(sums.total == expected.total && sums.brier == expected.brier &&
            sums.log_loss == expected.log_loss);
    });
  }
}

}  // namespace
}  // namespace pixelcal::test
