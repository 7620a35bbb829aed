#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

struct InsideTable {
  // Adds pixels from the first on, eight at a time, while all are above one limit, at most the other and at
  // least 0: p in units of 2^-40, and their hits, 0 or 1. Returns the number of pixels.
  size_t (*add_run)(const float* p, const uint8_t* hit, size_t count, float above, float up_to,
                    uint64_t* units, uint64_t* hits);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::InsideTable, kInside, InsideLoops)

}  // namespace pixelcal
