#pragma once

#include <bit>
#include <cstdint>

#include "base/host_device.h"

namespace pixelcal::internal {

// Exact sums add whole units of 2^-40.

// Returns p, from 0 to 1, in units, rounded to the nearest: the last place of 2^12 + p is a unit.
PIXELCAL_HOST_DEVICE inline uint64_t ProbabilityUnits(float p) {
  const double shifted = static_cast<double>(p) + 4096;
  return static_cast<uint64_t>((shifted - 4096) * 0x1p40);
}

// Returns the number of limits below p, if limit m is within a quarter of a bin of m / bins.
PIXELCAL_HOST_DEVICE inline int LimitsBelow(const float* limits, int bins, float p) {
  const int nearest = static_cast<int>(p * static_cast<float>(bins) + 0.5f);
  return nearest + (p > limits[nearest] ? 1 : 0);
}

// Returns -ln p in units for p from 2^-149, the least float32, to 1; the same bits on every device. These are
// the operations of simd::Log (log_loops.h), so that one logarithm serves other sums too. The result is below
// 2^47; 2^17 of them fit 64 bits.
PIXELCAL_HOST_DEVICE inline uint64_t LogLossUnits(double p) {
  constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
  constexpr uint64_t kFraction = (uint64_t{1} << 52) - 1, kOne = uint64_t{1023} << 52;
  const auto bits = std::bit_cast<uint64_t>(p);
  auto e = static_cast<double>(static_cast<int64_t>(bits >> 52) - 1023);
  double m = std::bit_cast<double>((bits & kFraction) | kOne);
  if (m > 0x1.6a09e667f3bcdp0) {
    m *= 0.5;
    e += 1.0;
  }
  const double f = (m - 1.0) / (m + 1.0), z = f * f;
  double series = z * (1.0 / 19) + 1.0 / 17;
  series = series * z + 1.0 / 15;
  series = series * z + 1.0 / 13;
  series = series * z + 1.0 / 11;
  series = series * z + 1.0 / 9;
  series = series * z + 1.0 / 7;
  series = series * z + 1.0 / 5;
  series = series * z + 1.0 / 3;
  const double twice = f + f;
  const double log = e * kLn2High + (twice + (twice * (z * series) + e * kLn2Low));
  return static_cast<uint64_t>(-log * 0x1p40 + 0.5);
}

}  // namespace pixelcal::internal
