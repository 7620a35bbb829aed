#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The number of tables of counts, to which neighbouring pixels add in turn.
inline constexpr int kConfusionTables = 4;

struct ConfusionTable {
  // Counts pairs of codes: counts[table][truth * classes + guess], and counts[table][classes^2] where truth
  // is negative; the sum over the tables is the number of pixels.
  void (*count)(const int16_t* truth, const int16_t* guess, size_t count, int64_t classes, uint32_t* counts);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::ConfusionTable, kConfusion, ConfusionLoops)

}  // namespace pixelcal
