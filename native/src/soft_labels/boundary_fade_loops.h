#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The numbers of internal::BoundaryFade, and the limit from which exp(-x) counts as 0.
struct Fade {
  float half, rate, keep, floor, faded_out;
};

struct BoundaryFadeTable {
  // Softens `count` pixels: distances to each of `classes` classes (map c at maps[c], at least two), as
  // squares in 32-bit integers or as floats, become targets in the same memory. A pixel is in the class with
  // distance 0; a pixel in no class gets zeros. `absent` maps get the target that the floor gives every
  // class.
  void (*soften)(float* const* maps, int64_t classes, float* const* absent, int64_t absent_classes,
                 int64_t count, bool squares, Fade fade);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::BoundaryFadeTable, kBoundaryFade, BoundaryFadeLoops)

}  // namespace pixelcal
