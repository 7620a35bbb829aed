#pragma once

#include "calibration/temperature.h"
#include "calibration/temperature_loops.h"

namespace pixelcal::cpu {

template <class Lanes>
double SumOf(const Lanes& lanes) {
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

inline TemperatureSums SumsOf(const simd::TemperatureLanes& lanes) {
  TemperatureSums sums;
  sums.count = SumOf(lanes.count);
  sums.impossible = SumOf(lanes.impossible);
  sums.loss = SumOf(lanes.loss);
  for (size_t i = 0; i < sums.slope.size(); ++i) {
    sums.slope[i] = SumOf(lanes.slope[i]);
    sums.curvature[i] = SumOf(lanes.curvature[i]);
    sums.third[i] = SumOf(lanes.third[i]);
  }
  return sums;
}

}  // namespace pixelcal::cpu
