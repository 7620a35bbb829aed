#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The number of columns that are summed together.
inline constexpr size_t kWeightedStrip = 64;

struct WeightedSumsTable {
  // Adds rows of kWeightedStrip columns, weighted by row, to the sums [draws, kWeightedStrip]. The weights of
  // a draw are weight_stride after those of the one before.
  void (*add)(const double* rows, size_t groups, const double* weights, size_t weight_stride, size_t draws,
              double* sums);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::WeightedSumsTable, kWeightedSums, WeightedSumsLoops)

}  // namespace pixelcal
