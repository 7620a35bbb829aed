#pragma once

#include <cstdint>

namespace pixelcal::cpu {

// Adds the values of a row, class after class: the order decides the last bits.
inline void AddRow(const float* row, int64_t count, double* sums) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) sums[i] += static_cast<double>(row[i]);
}

inline bool AnyOutside(const double* sums, int64_t count, double low, double high) {
  int any = 0;
#pragma omp simd reduction(| : any)
  for (int64_t i = 0; i < count; ++i) any |= !(sums[i] >= low && sums[i] <= high);
  return any != 0;
}

}  // namespace pixelcal::cpu
