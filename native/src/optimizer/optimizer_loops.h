#pragma once

#include <stddef.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

struct AdamwConstants {
  float scale, decay, to_gradient, beta2, to_square, root_correction, epsilon, step_size;
};

struct SgdConstants {
  float scale, decay, momentum, rate;
};

// The updates of `count` elements of one array.
struct OptimizerTable {
  void (*adamw)(float* values, const float* gradient, float* average, float* square, size_t count,
                AdamwConstants k);
  void (*sgd)(float* values, const float* gradient, size_t count, SgdConstants k);
  void (*momentum)(float* values, const float* gradient, float* velocity, size_t count, SgdConstants k);
  void (*nesterov)(float* values, const float* gradient, float* velocity, size_t count, SgdConstants k);
  double (*sum_of_squares)(const float* values, size_t count);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::OptimizerTable, kOptimizer, OptimizerLoops)

}  // namespace pixelcal
