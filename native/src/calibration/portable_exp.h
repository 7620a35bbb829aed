#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace pixelcal {

// FreeBSD's e_exp.c (fdlibm), which V8's Math.exp is made from: the same bits on every machine, and the same
// as JavaScript's.
inline double PortableExp(double x) {
  constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
  constexpr double kInverseLn2 = 1.44269504088896338700e+00;
  constexpr double kP1 = 1.66666666666666019037e-01, kP2 = -2.77777777770155933842e-03,
                   kP3 = 6.61375632143793436117e-05, kP4 = -1.65339022054652515390e-06,
                   kP5 = 4.13813679705723846039e-08;
  if (std::isnan(x)) return x;
  if (x > 7.09782712893383973096e+02) return HUGE_VAL;
  if (x < -7.45133219101941108420e+02) return 0;
  const auto high = static_cast<uint32_t>(std::bit_cast<uint64_t>(x) >> 32);
  const uint32_t magnitude = high & 0x7fffffffu;
  const bool negative = high >> 31 != 0;
  double upper = 0, lower = 0;
  int32_t k = 0;
  if (magnitude > 0x3fd62e42u) {    // |x| > 0.5 ln 2
    if (magnitude < 0x3ff0a2b2u) {  // |x| < 1.5 ln 2
      if (x == 1) return 2.718281828459045;
      upper = negative ? x + kLn2High : x - kLn2High;
      lower = negative ? -kLn2Low : kLn2Low;
      k = negative ? -1 : 1;
    } else {
      k = static_cast<int32_t>(kInverseLn2 * x + (negative ? -0.5 : 0.5));
      upper = x - k * kLn2High;
      lower = k * kLn2Low;
    }
    x = upper - lower;
  } else if (magnitude < 0x3e300000u) {  // |x| < 2^-28
    return 1 + x;
  }
  const double square = x * x;
  const double c = x - square * (kP1 + square * (kP2 + square * (kP3 + square * (kP4 + square * kP5))));
  if (k == 0) return 1 - ((x * c) / (c - 2) - x);
  const double y = 1 - ((lower - (x * c) / (2 - c)) - upper);
  const auto power = [](int32_t exponent) {
    return std::bit_cast<double>(static_cast<uint64_t>(0x3ff + exponent) << 52);
  };
  if (k == 1024) return y * 2 * 0x1p1023;
  if (k >= -1021) return y * power(k);
  return y * power(k + 1000) * 9.33263618503218878990e-302;  // 2^-1000
}

}  // namespace pixelcal
