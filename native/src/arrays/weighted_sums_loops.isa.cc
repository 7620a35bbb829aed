#include "arrays/weighted_sums_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

constexpr size_t kLanes = kLanesOf<double>, kVectors = 8;  // as many sums as registers hold

void Add(const double* rows, size_t stride, const double* weights, size_t groups, size_t count, double* out) {
  size_t at = 0;
  for (; at + kVectors * kLanes <= count; at += kVectors * kLanes) {
    Vec<double> sums[kVectors] = {};
    for (size_t g = 0; g < groups; ++g) {
      const Vec<double> weight = Splat(weights[g]);
      const double* row = rows + g * stride + at;
      for (size_t v = 0; v < kVectors; ++v) sums[v] += weight * Load(row + v * kLanes);
    }
    for (size_t v = 0; v < kVectors; ++v) Store(out + at + v * kLanes, sums[v]);
  }
  for (; at + kLanes <= count; at += kLanes) {
    Vec<double> sum{};
    for (size_t g = 0; g < groups; ++g) sum += Splat(weights[g]) * Load(rows + g * stride + at);
    Store(out + at, sum);
  }
  for (; at < count; ++at) {
    double sum = 0;
    for (size_t g = 0; g < groups; ++g) sum += weights[g] * rows[g * stride + at];
    out[at] = sum;
  }
}

}  // namespace

extern const WeightedSumsTable kWeightedSums;
const WeightedSumsTable kWeightedSums{Add};

}  // namespace pixelcal::simd::PIXELCAL_ISA
