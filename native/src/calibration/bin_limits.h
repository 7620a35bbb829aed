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

// The limits of several groups of bins in one table. Every interval between neighbouring limits lies in one
// bin of each, so that the sums over the intervals give those of all.
class JointTable {
 public:
  // Takes limits of bins with their threshold, the first in any case. Returns false, and takes nothing,
  // unless all limits are close to whole numbers of the same steps.
  bool Add(const simd::BinLimits& limits);

  // Returns the limits of the only member, or of all, valid until the next call of Add.
  simd::BinLimits Limits() const;
  // Returns the number of a member's limits below the probabilities that are above `joint` limits of all, or
  // -1 if they do not count for it.
  int32_t Below(int64_t member, int32_t joint) const;

 private:
  void Build(int32_t steps, std::vector<float> limits);

  std::vector<simd::BinLimits> members_;
  std::vector<float> limits_;  // of all members, rising
  std::vector<float> at_points_;
  std::vector<int32_t> first_;
  int32_t steps_ = 0, depth_ = 0;  // 0 where the first member is to stay alone
};

}  // namespace pixelcal::cpu
