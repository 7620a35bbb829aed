#pragma once

// Vectors of the instruction set a file is compiled for, on the compiler's own vector types, which support
// arithmetic, comparisons (giving all-ones lanes of the signed integer type of the same width) and `mask ? a
// : b`. Only for .isa.cc files.

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define PIXELCAL_INLINE [[gnu::always_inline]] inline

namespace pixelcal::simd::PIXELCAL_ISA {

#if defined(__AVX512BW__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vec = typename VectorOf<T>::Type;

// The number of elements of a vector.
template <class T>
inline constexpr int kLanesOf = kVectorBytes / static_cast<int>(sizeof(T));

// Loads without alignment.
template <class T>
PIXELCAL_INLINE Vec<T> Load(const T* from) {
  Vec<T> value;
  memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
PIXELCAL_INLINE void Store(T* to, Vec<T> value) {
  memcpy(to, &value, sizeof value);
}

template <class T>
PIXELCAL_INLINE Vec<T> Splat(T value) {
  return value - Vec<T>{};
}

template <class V>
PIXELCAL_INLINE V Min(V a, V b) {
  return a < b ? a : b;
}

template <class V>
PIXELCAL_INLINE V Max(V a, V b) {
  return a > b ? a : b;
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
