// The residuals become sums a_k = sum_i (y_i - p_i) cos(k pi p_i) / n, once for all widths: cosines are what
// reflection at 0 and 1 leaves as they are, and the Gaussian only scales them.
#include "calibration/smooth_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "base/scratch.h"
#include "calibration/smooth_error_loops.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kEnough = 2048, kMostBins = 4096;
constexpr double kPrecision = 1e-7, kLeastWidth = 1e-12;

class CosineTransform {
 public:
  explicit CosineTransform(const SmoothErrorBins& bins) {
    const int64_t width = std::ssize(bins.count), together = width > kEnough && width % 2 == 0 ? 2 : 1;
    for (int64_t m = 0; m < width; m += together) {
      double count = 0, confidence = 0, accuracy = 0;
      for (int64_t bin = m; bin < m + together; ++bin) {
        count += bins.count[bin];
        confidence += bins.confidence[bin];
        accuracy += bins.accuracy[bin];
      }
      if (!(count > 0)) continue;
      places_[used_] = std::min(1.0, confidence / count);
      masses_[used_] = (accuracy - confidence) / bins.total;
      magnitude_ += std::abs(masses_[used_++]);
    }
    while (used_ % simd::kPlaceGroup != 0) places_[used_] = masses_[used_] = 0, ++used_;
  }

  // The sum of the absolute residuals.
  double Magnitude() const { return magnitude_; }

  // Returns the integral of the absolute residual smoothed at a width, by the middles of equal parts.
  double Integral(double width) {
    int64_t points = 64;
    while (points < kMostPoints && static_cast<double>(points) * width < 20) points *= 2;
    // From exp(-x^2 / 2) < 1e-15 on, x = pi k width, cosines are left out.
    const double wanted = 8.3114 / (std::numbers::pi * width);
    const auto count = static_cast<int64_t>(std::min(simd::kMostCosines - 1.0, wanted)) + 1;
    const int64_t rounded = (count + simd::kCosines - 1) / simd::kCosines * simd::kCosines;
    for (; made_ < rounded; made_ += simd::kCosines)
      SmoothErrorLoops().cosine_sums(places_, masses_, static_cast<size_t>(used_), made_, sums_ + made_);
    return SmoothErrorLoops().mean_magnitude(sums_, rounded, width, points);
  }

 private:
  static constexpr int64_t kMostPoints = 2048;
  // The mean p and the residual of every bin with pixels, then zeros.
  double* const places_ = Scratch<double, struct SmoothPlaces>(kMostBins);
  double* const masses_ = Scratch<double, struct SmoothMasses>(kMostBins);
  double* const sums_ = Scratch<double, struct SmoothSums>(simd::kMostCosines);
  int64_t used_ = 0, made_ = 0;
  double magnitude_ = 0;
};

}  // namespace

double SmoothCalibrationError(const SmoothErrorBins& bins) {
  for (const auto& [name, sums] :
       {std::pair{"confidence", bins.confidence}, std::pair{"accuracy", bins.accuracy}})
    Require(sums.size() == bins.count.size(), name, ": expected ", bins.count.size(), " sums, got ",
            sums.size());
  Require(std::ssize(bins.count) <= kMostBins, "count: expected at most ", kMostBins, " bins, got ",
          bins.count.size());
  if (!(bins.total > 0)) return std::numeric_limits<double>::quiet_NaN();
  CosineTransform transform(bins);
  const auto excess = [&](double width) { return transform.Integral(width) - width; };
  // The integral falls with the width, from at most the sum of the absolute residuals: where that is the
  // width, the integral is at most the result. Short of widths that need more cosines, both ends are close.
  double high = transform.Magnitude() > 1 ? 1 : transform.Magnitude();
  double above = excess(high);
  while (above > 0 && high < 1) above = excess(high = std::min(1.0, 2 * high));
  double low = high + above;
  double below = excess(low);
  while (low > kLeastWidth && below < -kPrecision * low) {
    high = low;
    above = below;
    below = excess(low /= 2);
  }
  if (low <= kLeastWidth || std::abs(below) <= kPrecision * low) return low;
  // False position, halving the value of an end that stays (Illinois). The excess falls by at least as much
  // as the width grows, and bounds what is missing.
  bool low_stayed = false, high_stayed = false;
  while (high - low > kPrecision * high) {
    const double width = (low * above - high * below) / (above - below);
    const double value = excess(width);
    if (std::abs(value) <= kPrecision * width) return width;
    if (value > 0) {
      low = width;
      below = value;
      if (high_stayed) above /= 2;
    } else {
      high = width;
      above = value;
      if (low_stayed) below /= 2;
    }
    high_stayed = value > 0;
    low_stayed = !high_stayed;
  }
  return high;
}

}  // namespace pixelcal::cpu
