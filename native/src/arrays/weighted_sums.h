#pragma once

#include <cstdint>
#include <span>

namespace pixelcal {

// Rows [groups, width] of values, and draws [draws, groups] of weights for them.
struct WeightedRows {
  std::span<const double> values, weights;
  int64_t draws = 1, groups = 1, width = 1;
};

namespace cpu {

// Writes the weighted sum of the rows of every draw, [draws, width]: each number adds products in the order
// of the groups, so that it has the same bits at any thread count and on any instruction set.
void WeightedSums(const WeightedRows& rows, std::span<double> out);

}  // namespace cpu
}  // namespace pixelcal
