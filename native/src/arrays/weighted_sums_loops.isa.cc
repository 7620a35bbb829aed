#include "arrays/weighted_sums_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

// As many sums as registers hold: of a row that was read, those of several draws.
constexpr size_t kLanes = kLanesOf<double>, kVectors = 8, kDraws = kVectorBytes == 64 ? 3 : 1;

template <size_t kMany>
void AddDraws(const double* rows, size_t stride, const double* weights, size_t groups, size_t count,
              double* out, size_t out_stride) {
  size_t at = 0;
  for (; at + kVectors * kLanes <= count; at += kVectors * kLanes) {
    Vec<double> sums[kMany][kVectors] = {};
    for (size_t g = 0; g < groups; ++g) {
      const double* row = rows + g * stride + at;
      for (size_t v = 0; v < kVectors; ++v) {
        const Vec<double> values = Load(row + v * kLanes);
        for (size_t d = 0; d < kMany; ++d) sums[d][v] += Splat(weights[d * groups + g]) * values;
      }
    }
    for (size_t d = 0; d < kMany; ++d)
      for (size_t v = 0; v < kVectors; ++v) Store(out + d * out_stride + at + v * kLanes, sums[d][v]);
  }
  for (size_t d = 0; d < kMany; ++d) {
    size_t rest = at;
    for (; rest + kLanes <= count; rest += kLanes) {
      Vec<double> sum{};
      for (size_t g = 0; g < groups; ++g)
        sum += Splat(weights[d * groups + g]) * Load(rows + g * stride + rest);
      Store(out + d * out_stride + rest, sum);
    }
    for (; rest < count; ++rest) {
      double sum = 0;
      for (size_t g = 0; g < groups; ++g) sum += weights[d * groups + g] * rows[g * stride + rest];
      out[d * out_stride + rest] = sum;
    }
  }
}

void Add(const double* rows, size_t stride, const double* weights, size_t draws, size_t groups, size_t count,
         double* out, size_t out_stride) {
  size_t draw = 0;
  for (; draw + kDraws <= draws; draw += kDraws)
    AddDraws<kDraws>(rows, stride, weights + draw * groups, groups, count, out + draw * out_stride,
                     out_stride);
  for (; draw < draws; ++draw)
    AddDraws<1>(rows, stride, weights + draw * groups, groups, count, out + draw * out_stride, out_stride);
}

}  // namespace

extern const WeightedSumsTable kWeightedSums;
const WeightedSumsTable kWeightedSums{Add};

}  // namespace pixelcal::simd::PIXELCAL_ISA
