#include "arrays/weighted_sums.h"

#include <array>
#include <numeric>
#include <vector>

#include "arrays/resampled_sums.h"
#include "cases.h"
#include "check.h"
#include "isa.h"

namespace pixelcal::test {
namespace {

// The slow twin: number by number, in the order of the groups.
std::vector<double> Twin(const WeightedRows& rows) {
  std::vector<double> sums;
  for (int64_t draw = 0; draw < rows.draws; ++draw)
    for (int64_t i = 0; i < rows.width; ++i) {
      double sum = 0;
      for (int64_t g = 0; g < rows.groups; ++g)
        sum += rows.weights[static_cast<size_t>(draw * rows.groups + g)] *
               rows.values[static_cast<size_t>(g * rows.width + i)];
      sums.push_back(sum);
    }
  return sums;
}

TEST(WeightedSumsHaveTheTwinsBits) {
  for (const auto& [draws, groups, width] :
       std::vector<std::array<int64_t, 3>>{{1, 1, 1}, {3, 5, 7}, {65, 9, 64}, {130, 33, 201}, {2, 2050, 66}}) {
    std::vector<double> values, weights;
    for (int64_t i = 0; i < groups * width; ++i) values.push_back(static_cast<double>(i * 37 % 101) / 7 - 3);
    for (int64_t i = 0; i < draws * groups; ++i) weights.push_back(static_cast<double>(i * 53 % 17) / 3 - 2);
    const WeightedRows rows{values, weights, draws, groups, width};
    const std::vector<double> expected = Twin(rows);
    EverywhereAtAnyThreadCount([&] {
      std::vector<double> out(expected.size());
      cpu::WeightedSums(rows, out);
      CHECK(out == expected);
    });
  }
}

// The rows of a unit matrix add up to the weights themselves, which the tests of packages/core compare with
// those of JavaScript.
TEST(ResampledSumsDrawWholeRows) {
  constexpr int64_t kDraws = 40, kGroups = 70;
  std::vector<double> unit(kGroups * kGroups), expected;
  for (int64_t g = 0; g < kGroups; ++g) unit[static_cast<size_t>(g * kGroups + g)] = 1;
  for (const DrawnWeights kind : {DrawnWeights::kCounts, DrawnWeights::kSigns}) {
    expected.clear();
    EverywhereAtAnyThreadCount([&] {
      std::vector<double> weights(kDraws * kGroups);
      const RandomState after =
          cpu::ResampledSums({unit, kDraws, kGroups, kGroups, kind}, {1, 2, 3, 4}, weights);
      CHECK((after != RandomState{1, 2, 3, 4}));
      if (expected.empty()) expected = weights;
      CHECK(weights == expected);
      for (auto draw = weights.begin(); draw != weights.end(); draw += kGroups) {
        const double sum = std::accumulate(draw, draw + kGroups, 0.0);
        CHECK(kind == DrawnWeights::kSigns ? sum > -kGroups && sum < kGroups : sum == kGroups);
      }
    });
  }
}

}  // namespace
}  // namespace pixelcal::test
