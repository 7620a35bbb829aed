// Turns bin edges, which are doubles, into the float32 limits that float32 probabilities are compared with: p
// > e is p > t with t the largest float32 that is at most e. The bin is then found by scaling (edges near k /
// bins), by counting the limits below p (few limits), or from a table of cells of [0, 1] (many): O(1) per
// probability except in crowded cells.
#include "calibration/bin_limits.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace pixelcal::cpu {
namespace {

constexpr int kMostComparisons = 20;  // with more limits the table of cells is faster
constexpr size_t kLeastLimits = 32;   // the number that vector code loads at once
constexpr float kInfinity = std::numeric_limits<float>::infinity();

float LargestAtMost(double value) {
  const auto rounded = static_cast<float>(value);
  return static_cast<double>(rounded) > value ? std::nextafter(rounded, -1.0f) : rounded;
}

float LargestBelow(double value) {
  const float at_most = LargestAtMost(value);
  return static_cast<double>(at_most) == value ? std::nextafter(at_most, -1.0f) : at_most;
}

// Returns the whole number of steps that a limit is within a quarter of, or -1. What rounds to another number
// lies on the same side of the limit as that number.
int32_t PointOf(float limit, int32_t steps) {
  const double at = static_cast<double>(limit) * steps, nearest = std::round(at);
  return std::abs(at - nearest) < 0.25 ? static_cast<int32_t>(nearest) : -1;
}

bool AllAtPoints(const std::vector<float>& limits, int32_t steps) {
  return std::ranges::all_of(limits, [&](float limit) { return PointOf(limit, steps) >= 0; });
}

}  // namespace

BinTable::BinTable(std::span<const double> edges, const CalibrationOptions& options)
    : bins_(static_cast<int32_t>(edges.size() - 1)), threshold_(options.threshold) {
  const bool right = options.closed == BinEdges::kRightClosed;
  for (const double edge : edges) limits_.push_back(right ? LargestAtMost(edge) : LargestBelow(edge));
  if (options.include_lowest) limits_.front() = LargestBelow(edges.front());
  limits_.back() = 1;
  bool grid = true;
  for (int32_t m = 0; m <= bins_; ++m) grid &= std::abs(static_cast<double>(limits_[m]) * bins_ - m) < 0.25;
  search_ = grid                            ? simd::BinSearch::kGrid
            : bins_ + 1 <= kMostComparisons ? simd::BinSearch::kCount
                                            : simd::BinSearch::kLookup;
  if (search_ == simd::BinSearch::kLookup) {
    int32_t below = 0;
    for (int cell = 0; cell <= simd::kBinCells; ++cell) {
      while (below <= bins_ && static_cast<float>(cell) / simd::kBinCells > limits_[below]) ++below;
      first_.push_back(below);
    }
  }
  limits_.resize(std::max(limits_.size() + 1, kLeastLimits), kInfinity);
}

simd::BinLimits BinTable::Limits() const {
  return {search_, bins_, limits_.data(), first_.empty() ? nullptr : first_.data(), threshold_};
}

bool JointTable::Add(const simd::BinLimits& limits) {
  const bool first = members_.empty();
  if (!first && steps_ == 0) return false;
  int32_t steps = simd::kJointPoints;
  std::vector<float> all;
  if (limits.bins < simd::kJointPoints && limits.threshold < 1) {
    std::vector<float> own(limits.limits, limits.limits + limits.bins + 1);
    if (limits.threshold >= 0) own.insert(std::ranges::upper_bound(own, limits.threshold), limits.threshold);
    own.erase(std::ranges::unique(own).begin(), own.end());
    std::ranges::set_union(limits_, own, std::back_inserter(all));
    steps = std::max(steps_, limits.bins);
    while (steps < simd::kJointPoints && !AllAtPoints(all, steps)) ++steps;
  }
  const bool joint = steps < simd::kJointPoints;
  if (!joint && !first) return false;
  members_.push_back(limits);
  if (joint) Build(steps, std::move(all));
  return true;
}

void JointTable::Build(int32_t steps, std::vector<float> limits) {
  constexpr auto kPoints = static_cast<size_t>(simd::kJointPoints);
  steps_ = steps;
  limits_ = std::move(limits);
  std::vector<size_t> count(kPoints + 1);
  for (const float limit : limits_) ++count[static_cast<size_t>(PointOf(limit, steps)) + 1];
  const size_t depth = std::ranges::max(count);
  depth_ = static_cast<int32_t>(depth);
  at_points_.assign(depth * kPoints, kInfinity);
  std::partial_sum(count.begin(), count.end(), count.begin());
  first_.assign(count.begin(), count.end() - 1);
  for (size_t i = 0; i < limits_.size(); ++i) {
    const auto point = static_cast<size_t>(PointOf(limits_[i], steps));
    at_points_[(i - count[point]) * kPoints + point] = limits_[i];
  }
}

simd::BinLimits JointTable::Limits() const {
  if (members_.size() == 1) return members_.front();
  return {simd::BinSearch::kJoint,
          static_cast<int32_t>(limits_.size()) - 1,
          limits_.data(),
          first_.data(),
          -1,
          steps_,
          depth_,
          at_points_.data()};
}

int32_t JointTable::Below(int64_t member, int32_t joint) const {
  const simd::BinLimits& own = members_[static_cast<size_t>(member)];
  if (members_.size() == 1) return joint;
  // The largest limit below the probabilities: they are above exactly those up to it.
  const float above = joint > 0 ? limits_[static_cast<size_t>(joint) - 1] : -kInfinity;
  if (own.threshold >= 0 && above < own.threshold) return -1;
  return static_cast<int32_t>(std::upper_bound(own.limits, own.limits + own.bins + 1, above) - own.limits);
}

}  // namespace pixelcal::cpu
