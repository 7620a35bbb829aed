#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

inline constexpr int kTemperatureLanes = 8;

// Sums in lanes: pixel i adds to lane i % 8.
struct TemperatureLanes {
  double slope[33][kTemperatureLanes], curvature[33][kTemperatureLanes], third[33][kTemperatureLanes];
  double count[kTemperatureLanes], impossible[kTemperatureLanes], loss[kTemperatureLanes];
};

struct TemperatureTable {
  // Adds the pixels with code >= 0 of `classes` rows of probabilities; `room` has 40 doubles per class.
  void (*add)(const float* const* rows, int64_t classes, const int16_t* codes, size_t count, double* room,
              TemperatureLanes* sums);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::TemperatureTable, kTemperature, TemperatureLoops)

}  // namespace pixelcal
