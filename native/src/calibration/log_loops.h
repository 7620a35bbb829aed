#pragma once

// Logarithm and exponential of eight doubles, the same bits at any vector width, and eight values as doubles
// or integers of 64 bits. Only for .isa.cc files.

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {

typedef double Doubles __attribute__((vector_size(64)));
typedef uint64_t Words __attribute__((vector_size(64)));
typedef int64_t Masks __attribute__((vector_size(64)));
typedef float EightFloats __attribute__((vector_size(32)));
typedef int16_t EightCodes __attribute__((vector_size(16)));

// GCC 12 converts eight values in parts, where AVX-512 has one instruction.
PIXELCAL_INLINE Doubles Wide(EightFloats value) {
#if defined(__AVX512BW__)
  return reinterpret_cast<Doubles>(_mm512_maskz_cvtps_pd(0xff, reinterpret_cast<__m256>(value)));
#else
  return __builtin_convertvector(value, Doubles);
#endif
}
PIXELCAL_INLINE Masks Wide(EightCodes codes) {
#if defined(__AVX512BW__)
  return reinterpret_cast<Masks>(_mm512_maskz_cvtepi16_epi64(0xff, reinterpret_cast<__m128i>(codes)));
#else
  return __builtin_convertvector(codes, Masks);
#endif
}

// Returns the natural logarithm of x, 0 or a positive normal number, to about one unit in the last place: x =
// m 2^e with m within a factor of sqrt(2) from 1, ln m = 2 artanh(f) with f = (m - 1) / (m + 1), its series
// up to f^19.
PIXELCAL_INLINE Doubles Log(Doubles x) {
  constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;  // the first times e is exact
  constexpr uint64_t kFraction = (uint64_t{1} << 52) - 1, kOne = uint64_t{1023} << 52;
  const Words bits = reinterpret_cast<Words>(x);
  // The exponent becomes the low bits of a double near 2^52.
  Doubles e = reinterpret_cast<Doubles>((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
  Doubles m = reinterpret_cast<Doubles>((bits & kFraction) | kOne);
  const Masks large = m > 0x1.6a09e667f3bcdp0;
  m = large ? m * 0.5 : m;
  e = large ? e + 1.0 : e;
  const Doubles f = (m - 1.0) / (m + 1.0), z = f * f;
  Doubles series = z * (1.0 / 19) + 1.0 / 17;
  series = series * z + 1.0 / 15;
  series = series * z + 1.0 / 13;
  series = series * z + 1.0 / 11;
  series = series * z + 1.0 / 9;
  series = series * z + 1.0 / 7;
  series = series * z + 1.0 / 5;
  series = series * z + 1.0 / 3;
  const Doubles twice = f + f;
  const Doubles log = e * kLn2High + (twice + (twice * (z * series) + e * kLn2Low));
  return x == 0.0 ? Doubles{} - __builtin_inf() : log;
}

// Returns e^x for x of at most 0 to about two units in the last place, and of less than -690 that of -690: x
// = n ln 2 + r with |r| at most ln 2 / 2, the series of e^r up to r^13, then 2^n.
PIXELCAL_INLINE Doubles Exp(Doubles x) {
  constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33,
                   kInverseLn2 = 1.4426950408889634;
  constexpr double kRound = 0x1.8p52;  // adding it rounds to a whole number, which is then in the low bits
  x = x < -690.0 ? Doubles{} - 690.0 : x;
  const Doubles rounded = x * kInverseLn2 + kRound;
  const Doubles n = rounded - kRound;
  const Doubles r = (x - n * kLn2High) - n * kLn2Low;
  Doubles series = r * (1.0 / 6227020800) + 1.0 / 479001600;
  series = series * r + 1.0 / 39916800;
  series = series * r + 1.0 / 3628800;
  series = series * r + 1.0 / 362880;
  series = series * r + 1.0 / 40320;
  series = series * r + 1.0 / 5040;
  series = series * r + 1.0 / 720;
  series = series * r + 1.0 / 120;
  series = series * r + 1.0 / 24;
  series = series * r + 1.0 / 6;
  series = series * r + 0.5;
  series = series * r + 1.0;
  series = series * r + 1.0;
  const Words exponent = (reinterpret_cast<Words>(rounded) + 1023) << 52;
  return series * reinterpret_cast<Doubles>(exponent);
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
