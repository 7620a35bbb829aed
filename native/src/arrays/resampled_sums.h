#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace pixelcal {

// The state of xoshiro128** 1.1 (Blackman and Vigna, 2021), that of Random in packages/core.
using RandomState = std::array<uint32_t, 4>;

// The weights of a draw: the number of times that each row is picked, of as many picks with replacement as
// there are rows, or 1 and -1 of equal chance.
enum class DrawnWeights { kCounts, kSigns };

// Rows [groups, width] to draw from.
struct ResampledRows {
  std::span<const double> values;
  int64_t draws = 1, groups = 1, width = 1;
  DrawnWeights weights = DrawnWeights::kCounts;
};

namespace cpu {

// Writes the sums of every draw, [draws, width], as WeightedSums does, and returns the state of the generator
// after them.
RandomState ResampledSums(const ResampledRows& rows, RandomState state, std::span<double> out);

}  // namespace cpu
}  // namespace pixelcal
