#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The cosines that are made at a time, the most there are, and the places that are added together.
inline constexpr int64_t kCosines = 64, kMostCosines = 2048, kPlaceGroup = 32;

struct SmoothErrorTable {
  // Writes sum_i mass_i cos(k pi p_i) for the kCosines k from `begin` on; count is a multiple of kPlaceGroup.
  void (*cosine_sums)(const double* p, const double* mass, size_t count, int64_t begin, double* sums);
  // Returns the mean over the middles t of `points` equal parts of [0, 1], a power of two of at least 64, of
  // |a_0 + 2 sum_k a_k exp(-(pi k width)^2 / 2) cos(k pi t)|, for `count` sums a_k, a multiple of kCosines.
  double (*mean_magnitude)(const double* sums, int64_t count, double width, int64_t points);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::SmoothErrorTable, kSmoothError, SmoothErrorLoops)

}  // namespace pixelcal
