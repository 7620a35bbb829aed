#pragma once

// Vectors of the numbers that lower envelopes are made of (distance/lower_envelope.h), kLines lines at once,
// one per lane: uint16_t, in which sums saturate (a result of 65535 means "at least that"), int32_t, and
// double for spacings other than 1. Only for .isa.cc files.

#include "simd/saturating.h"

namespace pixelcal::simd::PIXELCAL_ISA {

inline constexpr int kLines = 32;

template <class T>
inline constexpr int kVectors = kLines / kLanesOf<T>;

// The properties of each number type: "no zero on this line", the entries of the table of squares, the type
// of bounds.
template <class T>
struct Number;
template <>
struct Number<uint16_t> {
  static constexpr uint16_t kFar = 65535;
  using Entry = uint32_t;  // twice, because a load can broadcast 32 bits
  using Bound = int64_t;
};
template <>
struct Number<int32_t> {
  static constexpr int32_t kFar = 1 << 30;  // one more axis' square, below 7e8, may be added
  using Entry = uint32_t;
  using Bound = int64_t;
};
template <>
struct Number<double> {
  static constexpr double kFar = __builtin_inf();
  using Entry = double;
  using Bound = double;
};

template <class V>
PIXELCAL_INLINE V Add(V a, V b) {
  return a + b;
}
template <>
PIXELCAL_INLINE Vec<uint16_t> Add(Vec<uint16_t> a, Vec<uint16_t> b) {
  return AddSaturating(a, b);
}

template <class T>
PIXELCAL_INLINE T LeastOf(Vec<T> v) {
  T lanes[kLanesOf<T>];
  Store(lanes, v);
  T least = lanes[0];
  for (int lane = 1; lane < kLanesOf<T>; ++lane) least = lanes[lane] < least ? lanes[lane] : least;
  return least;
}
PIXELCAL_INLINE int32_t LeastLane(Vec<int32_t> v) { return LeastOf<int32_t>(v); }
PIXELCAL_INLINE int32_t MostLane(Vec<int32_t> v) { return ~LeastLane(~v); }
PIXELCAL_INLINE double LeastLane(Vec<double> v) { return LeastOf<double>(v); }
PIXELCAL_INLINE double MostLane(Vec<double> v) { return -LeastLane(-v); }
PIXELCAL_INLINE int32_t LeastLane(Vec<uint16_t> v) {
#if defined(__SSE4_1__)
#if defined(__AVX512BW__)
  const __m256i half = _mm256_min_epu16(_mm512_maskz_extracti64x4_epi64(0xff, (__m512i)v, 0),
                                        _mm512_maskz_extracti64x4_epi64(0xff, (__m512i)v, 1));
#else
  const __m256i half = (__m256i)v;
#endif
  const __m128i quarter = _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  return _mm_cvtsi128_si32(_mm_minpos_epu16(quarter)) & 0xffff;
#else
  return LeastOf<uint16_t>(v);
#endif
}
PIXELCAL_INLINE int32_t MostLane(Vec<uint16_t> v) { return 65535 - LeastLane(~v); }

// Returns a square from the table, in every lane. Written in assembly, because the compiler would keep the
// entries in general registers from one row to the next, which costs a shuffle each.
PIXELCAL_INLINE Vec<uint32_t> Broadcast(const uint32_t* entry) {
#if defined(__AVX2__)
  Vec<uint32_t> all;
  asm("vpbroadcastd %1, %0" : "=v"(all) : "m"(*entry));
  return all;
#else
  return Splat(*entry);
#endif
}
PIXELCAL_INLINE Vec<uint16_t> Square(const uint32_t* entry, uint16_t) {
  return (Vec<uint16_t>)Broadcast(entry);
}
PIXELCAL_INLINE Vec<int32_t> Square(const uint32_t* entry, int32_t) { return (Vec<int32_t>)Broadcast(entry); }
PIXELCAL_INLINE Vec<double> Square(const double* entry, double) {
#if defined(__AVX2__)
  Vec<double> all;
  asm("vbroadcastsd %1, %0" : "=v"(all) : "m"(*entry));
  return all;
#else
  return Splat(*entry);
#endif
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
