#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// Loops over `count` pixels of class-major arrays; class c of pixel i lies at c * stride + i.
struct SoftmaxTable {
  // Computes the loss -ln softmax(a z)[label] and its first and second derivative by a, for one scale a > 0
  // per pixel: with d = z - max z and p = softmax(a z), they are ln sum e^(a d) - a d_label, E_p d - d_label
  // and Var_p d.
  void (*scaled_loss)(const float* logits, size_t stride, size_t classes, const double* scales,
                      const uint16_t* labels, size_t count, double* loss, double* gradient, double* hessian);
  // Writes the logits less their mean over the classes, in double, to rows of `row` values, and the class of
  // the first largest.
  void (*centre)(const float* logits, size_t stride, size_t classes, size_t count, double* out, size_t row,
                 uint16_t* top);
  // Computes p = softmax(u) of rows of `row` values, and ln sum e^u.
  void (*log_softmax)(const double* u, size_t row, size_t classes, size_t count, double* p,
                      double* normalizer);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::SoftmaxTable, kSoftmax, SoftmaxLoops)

}  // namespace pixelcal
