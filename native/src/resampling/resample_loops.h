#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// Each result is the sum of weight times value over its taps, in their order, in float64.
struct ResampleTable {
  // out[i] of whole rows of `count` values: tap t is row index[t] of `in`.
  void (*rows)(const float* in, const int32_t* index, const double* weight, int taps, size_t count,
               float* out);
  // out[i] of a line: tap t of result i is value index[t count + i] of `in`, its weight likewise.
  void (*line)(const float* in, const int32_t* index, const double* weight, int taps, size_t count,
               float* out);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::ResampleTable, kResample, ResampleLoops)

}  // namespace pixelcal
