// A product of matrices whose sums are not reordered: O(draws x groups x width). The columns are cut into
// strips, of which all rows stay in the second-level cache while every draw reads them.
#include "arrays/weighted_sums.h"

#include <algorithm>

#include "arrays/weighted_sums_loops.h"
#include "base/error.h"
#include "base/parallel.h"
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
  constexpr int64_t kStrip = simd::kWeightedStrip, kDraws = 64;
  const int64_t strips = (width - 1) / kStrip + 1, blocks = (draws - 1) / kDraws + 1;
  ParallelFor(strips * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t at = item / blocks * kStrip, first = item % blocks * kDraws;
      const auto count = static_cast<size_t>(std::min(kStrip, width - at));
      WeightedSumsLoops().add(values.data() + at, static_cast<size_t>(width), weights.data() + first * groups,
                              static_cast<size_t>(std::min(kDraws, draws - first)),
                              static_cast<size_t>(groups), count, out.data() + first * width + at,
                              static_cast<size_t>(width));
    }
  });
}

}  // namespace pixelcal::cpu
