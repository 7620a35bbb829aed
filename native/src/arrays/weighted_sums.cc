// A product of matrices whose sums are not reordered: O(draws x groups x width). Blocks of rows and columns
// are copied side by side, so that they stay in the second-level cache while many draws read them.
#include "arrays/weighted_sums.h"

#include <algorithm>
#include <array>

#include "arrays/weighted_sums_loops.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "base/shape.h"

namespace pixelcal::cpu {

void WeightedSums(const WeightedRows& rows, std::span<double> out) {
  const auto& [values, weights, draws, groups, width] = rows;
  Require(draws >= 1 && groups >= 1 && width >= 1, "size: expected at least 1, got ", draws, " x ", groups,
          " x ", width);
  Require(std::ssize(values) == CheckedProduct(groups, width), "values: expected ", groups * width,
          " numbers, got ", values.size());
  Require(std::ssize(weights) == CheckedProduct(draws, groups), "weights: expected ", draws * groups,
          " numbers, got ", weights.size());
  Require(std::ssize(out) == CheckedProduct(draws, width), "out: expected ", draws * width, " numbers, got ",
          out.size());
  constexpr int64_t kStrip = simd::kWeightedStrip, kDraws = 64, kRows = 1024;
  const int64_t strips = (width - 1) / kStrip + 1, blocks = (draws - 1) / kDraws + 1;
  ParallelFor(strips * blocks, 1, [&](int64_t begin, int64_t end) {
    double* const strip = Scratch<double, struct WeightedStrip>(kRows * kStrip);
    std::array<double, kDraws * kStrip> sums;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t at = item / blocks * kStrip, first = item % blocks * kDraws;
      const int64_t count = std::min(kStrip, width - at), many = std::min(kDraws, draws - first);
      sums.fill(0);
      for (int64_t group = 0; group < groups; group += kRows) {
        const int64_t height = std::min(kRows, groups - group);
        for (int64_t g = 0; g < height; ++g) {
          const double* const row = values.data() + (group + g) * width + at;
          std::fill(std::copy(row, row + count, strip + g * kStrip), strip + (g + 1) * kStrip, 0.0);
        }
        WeightedSumsLoops().add(strip, static_cast<size_t>(height), weights.data() + first * groups + group,
                                static_cast<size_t>(groups), static_cast<size_t>(many), sums.data());
      }
      for (int64_t draw = 0; draw < many; ++draw)
        std::copy_n(sums.data() + draw * kStrip, count, out.data() + (first + draw) * width + at);
    }
  });
}

}  // namespace pixelcal::cpu
