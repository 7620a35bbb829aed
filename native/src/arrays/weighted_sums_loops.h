#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The number of columns that are summed together.
inline constexpr int64_t kWeightedStrip = 64;

struct WeightedSumsTable {
  // Writes the sums of `count` columns, at most kWeightedStrip, of rows `stride` apart, weighted by row, for
  // `draws` lists of weights; the sums of a draw are out_stride after those of the one before.
  void (*add)(const double* rows, size_t stride, const double* weights, size_t draws, size_t groups,
              size_t count, double* out, size_t out_stride);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::WeightedSumsTable, kWeightedSums, WeightedSumsLoops)

}  // namespace pixelcal
