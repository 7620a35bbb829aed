#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

struct IntensityTable {
  // out = low + span ((sign in - low) / span)^exponent for values of sign in from low to low + span, span >
  // 0.
  void (*gamma)(const float* in, double sign, double low, double span, double exponent, size_t count,
                float* out);
  // out = in + amount n, n the normal numbers of the stream from number `first` on.
  void (*noise)(const float* in, double amount, uint64_t stream, uint64_t first, size_t count, float* out);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::IntensityTable, kIntensity, IntensityLoops)

}  // namespace pixelcal
