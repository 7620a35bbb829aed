#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The divisor of a pixel's targets, from a sum of weights: nothing, `scale`, scale * (total - sum) / total,
// max(sum, 1e-6) or the sum.
enum class DivisorRule { kNone, kConstant, kRest, kAtLeast, kSum };

struct Divisor {
  DivisorRule rule;
  float scale, total;

  // Returns the divisor; `sum` may be a vector.
  template <class V>
  [[gnu::always_inline]] V Of(V sum) const {
    switch (rule) {
      case DivisorRule::kRest:
        return scale * (total - sum) / total;
      case DivisorRule::kAtLeast:
        return sum > 1e-6f ? sum : sum - sum + 1e-6f;
      case DivisorRule::kSum:
        return sum;
      default:
        return sum - sum + scale;
    }
  }
};

// A tile of targets from counts of pixels, one byte per pixel. Planes lie `stride` apart, their rows
// `row_stride`; up to a vector more may be read at their end.
struct CountTargets {
  const uint8_t* counts;  // by class and level
  const uint8_t* sums;    // by level, for the divisors; null for the sums over all classes
  const uint8_t* hard;    // pixels whose target is the hard label; null for none
  const int16_t* codes;   // the hard labels (labels/pixel_rows_loops.h); not read without `hard`
  size_t classes, levels, stride, row_stride;
  const float* weights;  // by level
  Divisor divisor;
  // The factor of each sum for one level, by which counts are multiplied (or divided, with `divides`);
  // division by 0 gives 0. No sum is above `most`.
  const float* factors;
  bool divides;
  uint8_t most;
  bool nothing_is_hard;  // also hard: where the sum is 0
  size_t rows, width;
  float* out;
  size_t class_size;  // of a class in `out`, where rows lie one after the other
};

struct CountTargetTable {
  void (*store)(const CountTargets& tile);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::CountTargetTable, kCountTargets, CountTargetLoops)

}  // namespace pixelcal
