#pragma once

#include <cstdint>

#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {

// Adds the values of a row, class after class: the order decides the last bits.
inline void AddRow(const float* row, int64_t count, double* sums) {
  PixelRowsLoops().add_row(row, static_cast<size_t>(count), sums);
}

inline bool AnyOutside(const double* sums, int64_t count, double low, double high) {
  return PixelRowsLoops().any_outside(sums, static_cast<size_t>(count), low, high);
}

}  // namespace pixelcal::cpu
