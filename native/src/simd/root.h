#pragma once

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {

// Return correctly rounded square roots.
PIXELCAL_INLINE Vec<float> Root(Vec<float> v) {
#if defined(__AVX512BW__)
  return (Vec<float>)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);
#elif defined(__AVX2__)
  return (Vec<float>)_mm256_sqrt_ps((__m256)v);
#elif defined(__SSE2__)
  return (Vec<float>)_mm_sqrt_ps((__m128)v);
#elif defined(__aarch64__)
  return (Vec<float>)vsqrtq_f32((float32x4_t)v);
#else
  for (int lane = 0; lane < kLanesOf<float>; ++lane) v[lane] = __builtin_sqrtf(v[lane]);
  return v;
#endif
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
