#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The number of columns that are summed together.
inline constexpr int64_t kWeightedStrip = 64;

struct WeightedSumsTable {
  // Writes the sums of `count` columns, at most kWeightedStrip, of rows `stride` apart, weighted by row.
  void (*add)(const double* rows, size_t stride, const double* weights, size_t groups, size_t count,
              double* out);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::WeightedSumsTable, kWeightedSums, WeightedSumsLoops)

}  // namespace pixelcal
