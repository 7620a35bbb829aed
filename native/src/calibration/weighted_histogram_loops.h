#pragma once

#include "calibration/histogram_loops.h"

namespace pixelcal {
namespace simd {

struct WeightedHistogramTable {
  // Adds `count` probabilities of [0, 1] with weights to slots [BinSlots][kSlotCells], each of them 4 pairs
  // of the sums of w and of w p. A pixel is a hit where code == hit; it counts where code >= 0 and p >
  // threshold.
  void (*add)(const float* p, const int16_t* codes, int16_t hit, const float* weights, size_t count,
              BinLimits limits, double* slots);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::WeightedHistogramTable, kWeightedHistogram, WeightedHistogramLoops)

}  // namespace pixelcal
