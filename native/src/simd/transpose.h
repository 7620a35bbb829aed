#pragma once

// Square tiles of 32-bit values transposed in registers (Eklundh 1972: log2 n rounds, each exchanging the
// off-diagonal blocks). Only for .isa.cc files.

#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {

inline constexpr int kTile = kLanesOf<int32_t>;

template <int... kLane>
struct Lanes {};
template <int kCount, int... kLane>
struct LanesUpTo : LanesUpTo<kCount - 1, kCount - 1, kLane...> {};
template <int... kLane>
struct LanesUpTo<0, kLane...> {
  using Type = Lanes<kLane...>;
};

template <int kStep, int... kLane>
PIXELCAL_INLINE void Exchange(Vec<int32_t>& a, Vec<int32_t>& b, Lanes<kLane...>) {
  const Vec<int32_t> low =
      __builtin_shufflevector(a, b, ((kLane & kStep) ? kTile + kLane - kStep : kLane)...);
  const Vec<int32_t> high =
      __builtin_shufflevector(a, b, ((kLane & kStep) ? kTile + kLane : kLane + kStep)...);
  a = low;
  b = high;
}

template <int kStep>
PIXELCAL_INLINE void TransposeRounds(Vec<int32_t>* rows) {
#pragma GCC unroll 16
  for (int i = 0; i < kTile; ++i)
    if (!(i & kStep)) Exchange<kStep>(rows[i], rows[i | kStep], typename LanesUpTo<kTile>::Type{});
  if constexpr (kStep > 1) TransposeRounds<kStep / 2>(rows);
}

// Transposes kTile x kTile values: rows[i][j] becomes rows[j][i].
PIXELCAL_INLINE void Transpose(Vec<int32_t>* rows) { TransposeRounds<kTile / 2>(rows); }

}  // namespace pixelcal::simd::PIXELCAL_ISA
