#pragma once

// Saturating sums and minima of unsigned bytes and 16-bit words, for which the compiler's vector types have
// no operator or a slow one. Only for .isa.cc files.

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {

#if defined(__AVX512BW__)
#define PIXELCAL_X86(name) _mm512_##name
typedef __m512i IntegerRegister;
#elif defined(__AVX2__)
#define PIXELCAL_X86(name) _mm256_##name
typedef __m256i IntegerRegister;
#elif defined(__SSE2__)
#define PIXELCAL_X86(name) _mm_##name
typedef __m128i IntegerRegister;
#endif

PIXELCAL_INLINE Vec<uint8_t> AddSaturating(Vec<uint8_t> a, Vec<uint8_t> b) {
#if defined(PIXELCAL_X86)
  return (Vec<uint8_t>)PIXELCAL_X86(adds_epu8)((IntegerRegister)a, (IntegerRegister)b);
#elif defined(__aarch64__)
  return (Vec<uint8_t>)vqaddq_u8((uint8x16_t)a, (uint8x16_t)b);
#else
  const Vec<uint8_t> sum = a + b;
  return sum | (Vec<uint8_t>)(sum < a);
#endif
}

PIXELCAL_INLINE Vec<uint16_t> AddSaturating(Vec<uint16_t> a, Vec<uint16_t> b) {
#if defined(PIXELCAL_X86)
  return (Vec<uint16_t>)PIXELCAL_X86(adds_epu16)((IntegerRegister)a, (IntegerRegister)b);
#elif defined(__aarch64__)
  return (Vec<uint16_t>)vqaddq_u16((uint16x8_t)a, (uint16x8_t)b);
#else
  const Vec<uint16_t> sum = a + b;
  return sum | (Vec<uint16_t>)(sum < a);
#endif
}

PIXELCAL_INLINE Vec<uint32_t> AddSaturating(Vec<uint32_t> a, Vec<uint32_t> b) {
  const Vec<uint32_t> sum = a + b;
  return sum | (Vec<uint32_t>)(sum < a);
}

template <class V>
PIXELCAL_INLINE V Least(V a, V b) {
  return Min(a, b);
}
template <class V>
PIXELCAL_INLINE V Most(V a, V b) {
  return Max(a, b);
}
#if defined(__SSE2__) && !defined(__SSE4_1__)
// There is no minimum of unsigned words before SSE4.1.
template <>
PIXELCAL_INLINE Vec<uint16_t> Least(Vec<uint16_t> a, Vec<uint16_t> b) {
  return a - (Vec<uint16_t>)_mm_subs_epu16((__m128i)a, (__m128i)b);
}
template <>
PIXELCAL_INLINE Vec<uint16_t> Most(Vec<uint16_t> a, Vec<uint16_t> b) {
  return a + (Vec<uint16_t>)_mm_subs_epu16((__m128i)b, (__m128i)a);
}
#endif

template <class T>
struct HalfVectorOf {
  typedef T Type __attribute__((vector_size(kVectorBytes / 2)));
};

// Widens as many narrow elements as make one vector of the next wider type.
PIXELCAL_INLINE Vec<uint16_t> Widen(const uint8_t* from) {
  HalfVectorOf<uint8_t>::Type narrow;
  memcpy(&narrow, from, sizeof narrow);
  return __builtin_convertvector(narrow, Vec<uint16_t>);
}
PIXELCAL_INLINE Vec<uint32_t> Widen(const uint16_t* from) {
  HalfVectorOf<uint16_t>::Type narrow;
  memcpy(&narrow, from, sizeof narrow);
  return __builtin_convertvector(narrow, Vec<uint32_t>);
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
