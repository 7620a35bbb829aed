#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The pixels to measure to: those whose byte equals `value`, or those whose byte does not.
struct Sites {
  const uint8_t* bytes;
  uint8_t value;
  bool equal;
};

inline constexpr int64_t kStripRows = 32;  // rows of an image that are worked on together

// The steps to the nearest site along the slowest axis; the largest number of the type means "none".
struct StepsTable {
  // Computes, for the columns [first, last) of an image of rows x columns, the steps from the row above and
  // from the row below each strip of kStripRows rows, into the strip's own 2 x columns of `borders`,
  // `border_stride` elements apart.
  void (*strip_borders)(Sites sites, int64_t rows, int64_t columns, int64_t first, int64_t last,
                        uint16_t* borders, int64_t border_stride);
  // Computes the steps along the columns of one strip, given those from the row above and from the row below.
  void (*strip)(Sites sites, int64_t rows, int64_t columns, const uint16_t* above, const uint16_t* below,
                uint16_t* steps, int64_t steps_stride);
  // Computes the steps along `columns` columns of many rows: row_stride pixels apart, row_bytes in `steps`.
  void (*volume8)(Sites sites, int64_t rows, int64_t row_stride, int64_t columns, uint8_t* steps,
                  int64_t row_bytes);
  void (*volume16)(Sites sites, int64_t rows, int64_t row_stride, int64_t columns, uint8_t* steps,
                   int64_t row_bytes);
  void (*volume32)(Sites sites, int64_t rows, int64_t row_stride, int64_t columns, uint8_t* steps,
                   int64_t row_bytes);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::StepsTable, kSteps, StepsLoops)

}  // namespace pixelcal
