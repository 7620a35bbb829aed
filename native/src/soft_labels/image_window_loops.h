#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

enum class ImageWeight { kDifference, kExpL1, kExpL2 };

struct ImageWindowTable {
  // Computes for e = |line[i] - own[i]| the weight tap * e, exp(-e) or exp(-e^2), times counted[i]; adds the
  // weights to `total`, or counted[i] for kDifference.
  void (*weigh)(ImageWeight kind, const float* line, const float* own, const float* counted, float tap,
                size_t count, float* weights, float* total);
  // Writes 1 where the bit is set, else 0.
  void (*members)(const uint8_t* bits, int bit, size_t count, float* members);
  // Computes sum[i] += sum_t weights[t * stride + i] * members[i + t].
  void (*add_products)(const float* weights, size_t stride, size_t taps, const float* members, size_t count,
                       float* sum);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::ImageWindowTable, kImageWindow, ImageWindowLoops)

}  // namespace pixelcal
