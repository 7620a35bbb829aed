// Turns bin edges, which are doubles, into the float32 limits that float32 probabilities are compared with: p
// > e is p > t with t the largest float32 that is at most e. The bin is then found by scaling (edges near k /
// bins), by counting the limits below p (few limits), or from a table of cells of [0, 1] (many): O(1) per
// probability except in crowded cells.
#include "calibration/bin_limits.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pixelcal::cpu {
namespace {

constexpr int kMostComparisons = 20;  // with more limits the table of cells is faster
constexpr size_t kLeastLimits = 32;   // the number that vector code loads at once

float LargestAtMost(double value) {
  const auto rounded = static_cast<float>(value);
  return static_cast<double>(rounded) > value ? std::nextafter(rounded, -1.0f) : rounded;
}

float LargestBelow(double value) {
  const float at_most = LargestAtMost(value);
  return static_cast<double>(at_most) == value ? std::nextafter(at_most, -1.0f) : at_most;
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
  limits_.resize(std::max(limits_.size() + 1, kLeastLimits), std::numeric_limits<float>::infinity());
}

simd::BinLimits BinTable::Limits() const {
  return {search_, bins_, limits_.data(), first_.empty() ? nullptr : first_.data(), threshold_};
}

}  // namespace pixelcal::cpu
