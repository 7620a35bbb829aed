#include "arrays/weighted_sums.h"

#include <array>
#include <vector>

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
       std::vector<std::array<int64_t, 3>>{{1, 1, 1}, {3, 5, 7}, {65, 9, 64}, {130, 33, 201}}) {
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

}  // namespace
}  // namespace pixelcal::test
