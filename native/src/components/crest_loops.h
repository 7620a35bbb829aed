#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The loops over `count` pixels of a row of depths, the steps to the nearest pixel outside of a mask.
template <class T>
struct CrestRows {
  // Makes each depth at most one more than that of the pixel before it along another axis.
  void (*limit)(const T* before, size_t count, T* row);
  // Writes the largest of each depth and its neighbours in the row.
  void (*spread)(const T* row, size_t count, T* out);
  // Makes each value of `largest` at least that of `other`.
  void (*raise)(const T* other, size_t count, T* largest);
  // Sets in words of 64 pixels the bits of depths above 0 that reach `largest`.
  void (*mark)(const T* row, const T* largest, size_t count, uint64_t* words);
};

struct CrestTable {
  CrestRows<uint16_t> narrow;
  CrestRows<uint32_t> wide;
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::CrestTable, kCrest, CrestLoops)

}  // namespace pixelcal
