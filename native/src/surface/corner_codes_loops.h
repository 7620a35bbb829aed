#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

struct CornerCodesTable {
  // Computes for masks of 0 and 1 the codes of 2^rank windows of pixels (surface/surface_elements.h), 0 where
  // all agree. `plane` is 0 for two dimensions.
  void (*corner_codes)(const uint8_t* pixels, int64_t row, int64_t plane, int64_t count, uint8_t* codes);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::CornerCodesTable, kCornerCodes, CornerCodesLoops)

}  // namespace pixelcal
