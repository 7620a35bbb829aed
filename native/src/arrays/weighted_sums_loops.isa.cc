#include "arrays/weighted_sums_loops.h"

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

// As many sums as registers hold: of a row that was read, those of several draws.
constexpr size_t kLanes = kLanesOf<double>, kVectors = 8, kDraws = kVectorBytes == 64 ? 3 : 1;
static_assert(kWeightedStrip % (kVectors * kLanes) == 0);

template <size_t kMany>
void AddDraws(const double* rows, size_t groups, const double* weights, size_t weight_stride, double* sums) {
  for (size_t at = 0; at < kWeightedStrip; at += kVectors * kLanes) {
    Vec<double> held[kMany][kVectors];
    for (size_t d = 0; d < kMany; ++d)
      for (size_t v = 0; v < kVectors; ++v) held[d][v] = Load(sums + d * kWeightedStrip + at + v * kLanes);
    for (size_t g = 0; g < groups; ++g) {
      const double* row = rows + g * kWeightedStrip + at;
      for (size_t v = 0; v < kVectors; ++v) {
        const Vec<double> values = Load(row + v * kLanes);
        for (size_t d = 0; d < kMany; ++d) held[d][v] += Splat(weights[d * weight_stride + g]) * values;
      }
    }
    for (size_t d = 0; d < kMany; ++d)
      for (size_t v = 0; v < kVectors; ++v) Store(sums + d * kWeightedStrip + at + v * kLanes, held[d][v]);
  }
}

void Add(const double* rows, size_t groups, const double* weights, size_t weight_stride, size_t draws,
         double* sums) {
  size_t draw = 0;
  for (; draw + kDraws <= draws; draw += kDraws)
    AddDraws<kDraws>(rows, groups, weights + draw * weight_stride, weight_stride,
                     sums + draw * kWeightedStrip);
  for (; draw < draws; ++draw)
    AddDraws<1>(rows, groups, weights + draw * weight_stride, weight_stride, sums + draw * kWeightedStrip);
}

}  // namespace

extern const WeightedSumsTable kWeightedSums;
const WeightedSumsTable kWeightedSums{Add};

}  // namespace pixelcal::simd::PIXELCAL_ISA
