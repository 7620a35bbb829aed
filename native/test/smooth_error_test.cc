#include "calibration/smooth_error.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "cases.h"
#include "check.h"
#include "isa.h"

using namespace pixelcal;

namespace {

struct Bins {
  std::vector<double> count, confidence, accuracy;
  double total = 0;
  cpu::SmoothErrorBins View() const { return {count, confidence, accuracy, total}; }
};

// Bins of which a share is empty, most pixels near 0 and 1, as often right as `right` says.
template <class Right>
Bins MadeBins(size_t width, uint64_t seed, const Right& right) {
  test::Noise noise(seed);
  Bins bins;
  for (size_t m = 0; m < width; ++m) {
    const double at = (static_cast<double>(m) + 0.5) / static_cast<double>(width);
    const bool empty = noise.Uniform() < 0.3;
    const double count = empty ? 0 : std::floor(1 + 30 / (0.01 + at * (1 - at)));
    bins.count.push_back(count);
    bins.confidence.push_back(count * at);
    bins.accuracy.push_back(std::floor(count * right(at)));
    bins.total += count;
  }
  return bins;
}

// The twin: every cosine by the library, and the width by bisection.
double Twin(const Bins& bins) {
  const size_t width = bins.count.size(), step = width > 2048 && width % 2 == 0 ? 2 : 1;
  std::vector<double> places, masses;
  for (size_t m = 0; m < width; m += step) {
    double count = 0, confidence = 0, accuracy = 0;
    for (size_t bin = m; bin < m + step; ++bin) {
      count += bins.count[bin];
      confidence += bins.confidence[bin];
      accuracy += bins.accuracy[bin];
    }
    if (count == 0) continue;
    places.push_back(confidence / count);
    masses.push_back((accuracy - confidence) / bins.total);
  }
  std::vector<double> sums(2048);
  for (size_t k = 0; k < sums.size(); ++k)
    for (size_t i = 0; i < places.size(); ++i)
      sums[k] += masses[i] * std::cos(std::numbers::pi * static_cast<double>(k) * places[i]);
  // The cosines at the middles of 2048 parts of [0, 1] or fewer are those of whole steps of a circle.
  std::vector<double> circle(8192);
  for (size_t i = 0; i < circle.size(); ++i)
    circle[i] = std::cos(std::numbers::pi * static_cast<double>(i) / 4096);
  const auto integral = [&](double s) {
    size_t points = 64;
    while (points < 2048 && static_cast<double>(points) * s < 20) points *= 2;
    std::vector<double> at(points);
    for (size_t k = 0; k < sums.size(); ++k) {
      const double x = std::numbers::pi * static_cast<double>(k) * s;
      if (x * x > 80) break;
      const double factor = (k == 0 ? 1 : 2) * std::exp(-x * x / 2) * sums[k];
      for (size_t j = 0; j < points; ++j) at[j] += factor * circle[k * (2 * j + 1) * (2048 / points) % 8192];
    }
    double sum = 0;
    for (const double value : at) sum += std::abs(value);
    return sum / static_cast<double>(points);
  };
  double low = 0, high = 1;
  while (high - low > 1e-8 * high && high > 1e-9) {
    const double middle = (low + high) / 2;
    (integral(middle) > middle ? low : high) = middle;
  }
  return high;
}

}  // namespace

TEST(SmoothCalibrationErrorEqualsItsTwinWithTheSameBitsEverywhere) {
  uint64_t seed = 11;
  for (const size_t width : {1, 2, 33, 500, 2049, 4096})
    for (int kind = 0; kind < 3; ++kind) {
      const Bins bins = MadeBins(width, ++seed, [&](double p) {
        return kind == 0 ? 0.5 + 0.7 * (p - 0.5) : kind == 1 ? p : 0.01 + 0.98 * p;
      });
      if (bins.total == 0) continue;
      const double expected = Twin(bins);
      double first = -1;
      test::ForEachIsa([&] {
        const double got = cpu::SmoothCalibrationError(bins.View());
        CHECK(std::abs(got - expected) <= 3e-7 * expected + 1e-9, "width ", width, " kind ", kind, " got ",
              got, " expected ", expected);
        CHECK(first < 0 || got == first, "width ", width, " kind ", kind);
        first = got;
      });
    }
}

TEST(SmoothCalibrationErrorOfSpecialBins) {
  const auto error = [](std::vector<double> count, std::vector<double> confidence,
                        std::vector<double> accuracy) {
    double total = 0;
    for (const double each : count) total += each;
    return cpu::SmoothCalibrationError({count, confidence, accuracy, total});
  };
  CHECK(std::isnan(error({0, 0}, {0, 0}, {0, 0})));
  CHECK(error({4, 4}, {1, 3}, {1, 3}) == 0, "no residual");
  // Whatever the width, the residual of a mass on 1 integrates to its amount.
  CHECK(std::abs(error({0, 1000}, {0, 1000}, {0, 990}) - 0.01) < 1e-8);
  CHECK(std::abs(error({0, 10}, {0, 10}, {0, 0}) - 1) < 1e-6, "all wrong");
  CHECK_THROWS(error({1, 1}, {1}, {1, 1}), "confidence: expected 2 sums, got 1");
  const std::vector<double> many(4097);
  CHECK_THROWS(error(many, many, many), "count: expected at most 4096 bins, got 4097");
}
