#include "optimizer/optimizer_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

void AdamwPiece(float* values, const float* gradient, float* average, float* square, size_t count,
                AdamwConstants k) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const float g = gradient[i] * k.scale;
    const float mean = average[i] + k.to_gradient * (g - average[i]);
    const float spread = square[i] * k.beta2 + k.to_square * g * g;
    const float denominator = __builtin_sqrtf(spread) / k.root_correction + k.epsilon;
    average[i] = mean;
    square[i] = spread;
    values[i] = values[i] * k.decay - k.step_size * mean / denominator;
  }
}

void SgdPiece(float* values, const float* gradient, size_t count, SgdConstants k) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) values[i] -= k.rate * (gradient[i] * k.scale + k.decay * values[i]);
}

void MomentumPiece(float* values, const float* gradient, float* velocity, size_t count, SgdConstants k) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const float g = gradient[i] * k.scale + k.decay * values[i];
    velocity[i] = velocity[i] * k.momentum + g;
    values[i] -= k.rate * velocity[i];
  }
}

void NesterovPiece(float* values, const float* gradient, float* velocity, size_t count, SgdConstants k) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const float g = gradient[i] * k.scale + k.decay * values[i];
    velocity[i] = velocity[i] * k.momentum + g;
    values[i] -= k.rate * (g + k.momentum * velocity[i]);
  }
}

// Eight running sums, so that the order of the additions is the same at any vector width.
double SumOfSquares(const float* values, size_t count) {
  double sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
#pragma omp simd
    for (size_t lane = 0; lane < 8; ++lane) {
      const double value = values[i + lane];
      sums[lane] += value * value;
    }
  }
  for (size_t lane = 0; i < count; ++i, ++lane) sums[lane] += static_cast<double>(values[i]) * values[i];
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

extern const OptimizerTable kOptimizer;
const OptimizerTable kOptimizer{AdamwPiece, SgdPiece, MomentumPiece, NesterovPiece, SumOfSquares};

}  // namespace pixelcal::simd::PIXELCAL_ISA
