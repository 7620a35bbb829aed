#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calibration/calibration.h"
#include "calibration/histogram_loops.h"

namespace pixelcal::cpu {

// The edges of one group's bins as float32 limits: p > e is p > t with t the largest float32 <= e, and p >= e
// is p > t with t the largest float32 below e, so that every edge rule becomes bins (t_m, t_m+1].
class BinTable {
 public:
  // Takes the edges of one group.
  BinTable(std::span<const double> edges, const CalibrationOptions& options);

  // Returns limits that are valid as long as this table.
  simd::BinLimits Limits() const;

 private:
  simd::BinSearch search_;
  int32_t bins_;
  float threshold_;
  std::vector<float> limits_;
  std::vector<int32_t> first_;
};

}  // namespace pixelcal::cpu
