#pragma once

// Maps probabilities to the slots of a histogram (calibration/histogram_loops.h). Only for .isa.cc files.

#include "calibration/histogram_loops.h"
#include "simd/vec.h"

namespace pixelcal::simd::PIXELCAL_ISA {

inline constexpr int kLanes = kLanesOf<float>;

using Floats = Vec<float>;
using Ints = Vec<int32_t>;

PIXELCAL_INLINE Ints BitsOf(Floats value) { return reinterpret_cast<Ints>(value); }

// Returns table[index] in every lane; `size` is a constant after inlining, above 32 kJointPoints or any.
PIXELCAL_INLINE Floats Lookup(const float* table, int size, Ints index) {
#if defined(__AVX512BW__)
  // The masked forms avoid a warning of GCC 12 about the unmasked ones.
  const __m512i at = reinterpret_cast<__m512i>(index);
  if (size <= 16)
    return reinterpret_cast<Floats>(_mm512_maskz_permutexvar_ps(0xffff, at, _mm512_loadu_ps(table)));
  if (size <= 32)
    return reinterpret_cast<Floats>(
        _mm512_maskz_permutex2var_ps(0xffff, _mm512_loadu_ps(table), at, _mm512_loadu_ps(table + 16)));
  if (size == kJointPoints) {
    const __m512 low =
        _mm512_maskz_permutex2var_ps(0xffff, _mm512_loadu_ps(table), at, _mm512_loadu_ps(table + 16));
    return reinterpret_cast<Floats>(_mm512_mask_blend_ps(
        _mm512_test_epi32_mask(at, _mm512_set1_epi32(32)), low,
        _mm512_maskz_permutex2var_ps(0xffff, _mm512_loadu_ps(table + 32), at, _mm512_loadu_ps(table + 48))));
  }
  return reinterpret_cast<Floats>(_mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, at, table, 4));
#elif defined(__AVX2__)
  const __m256i at = reinterpret_cast<__m256i>(index);
  if (size <= 16) {
    const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), at);
    const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), at);
    return index > 7 ? reinterpret_cast<Floats>(high) : reinterpret_cast<Floats>(low);
  }
  return reinterpret_cast<Floats>(_mm256_i32gather_ps(table, at, 4));
#else
  (void)size;
  Floats value{};
  for (int lane = 0; lane < kLanes; ++lane) value[lane] = table[index[lane]];
  return value;
#endif
}

// Returns whether any bit of any lane is set.
PIXELCAL_INLINE bool AnyLane(Ints lanes) {
#if defined(__AVX512BW__)
  return _mm512_test_epi32_mask(reinterpret_cast<__m512i>(lanes), reinterpret_cast<__m512i>(lanes)) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256(reinterpret_cast<__m256i>(lanes), reinterpret_cast<__m256i>(lanes));
#else
  int32_t any = 0;
  for (int lane = 0; lane < kLanes; ++lane) any |= lanes[lane];
  return any != 0;
#endif
}

// Returns the numbers, with 1 added where a > b.
PIXELCAL_INLINE Ints PlusAbove(Ints number, Floats a, Floats b) {
#if defined(__AVX512BW__)
  const __mmask16 above =
      _mm512_cmp_ps_mask(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), _CMP_GT_OQ);
  const __m512i from = reinterpret_cast<__m512i>(number);
  return reinterpret_cast<Ints>(_mm512_mask_add_epi32(from, above, from, _mm512_set1_epi32(1)));
#else
  return number - (a > b);
#endif
}

// Returns the nearest whole number of steps in [0, 1]: adding 1.5 x 2^23 rounds, which leaves it in the low
// bits.
PIXELCAL_INLINE Ints NearestStep(Floats p, int32_t steps) {
  constexpr float kRound = 12582912.0f;
  const Floats rounded = p * Splat(static_cast<float>(steps)) + Splat(kRound);
  return BitsOf(rounded) - BitsOf(Splat(kRound));
}

// Returns the number of limits below p. kTable: for kGrid the size of the table of limits, a bound.
template <BinSearch kSearch, int kTable>
PIXELCAL_INLINE Ints LimitsBelow(Floats p, const BinLimits& limits) {
  if constexpr (kSearch == BinSearch::kGrid) {
    const Ints nearest = NearestStep(p, limits.bins);
    return PlusAbove(nearest, p, Lookup(limits.limits, kTable, nearest));
  } else if constexpr (kSearch == BinSearch::kJoint) {
    const Ints nearest = NearestStep(p, limits.steps);
    Ints below = BitsOf(Lookup(reinterpret_cast<const float*>(limits.first), kJointPoints, nearest));
    for (int32_t d = 0; d < limits.depth; ++d)
      below = PlusAbove(below, p, Lookup(limits.at_points + d * kJointPoints, kJointPoints, nearest));
    return below;
  } else if constexpr (kSearch == BinSearch::kCount) {
    Ints below{};
    for (int32_t m = 0; m <= limits.bins; ++m) below = PlusAbove(below, p, Splat(limits.limits[m]));
    return below;
  } else {
    Ints below{};
    for (int lane = 0; lane < kLanes; ++lane) {
      int32_t u = limits.first[static_cast<int>(p[lane] * kBinCells)];
      while (p[lane] > limits.limits[u]) ++u;
      below[lane] = u;
    }
    return below;
  }
}

typedef int16_t Codes __attribute__((vector_size(2 * kLanes)));

// The values that a row's loop keeps at hand.
struct Row {
  BinLimits limits;
  int16_t hit;
  int32_t left_out;  // the last slot's offset
};

inline constexpr int kSlotShift = 3;
static_assert(kSlotCells == 1 << kSlotShift);

// Returns the offsets of the pixels' slots in cells. kAll: every pixel counts.
template <BinSearch kSearch, int kTable, bool kAll>
PIXELCAL_INLINE Ints SlotOffsets(const float* from, const int16_t* codes, const Row& row) {
  const Floats p = Load(from);
  const Ints misses = LimitsBelow<kSearch, kTable>(p, row.limits) << (kSlotShift + 1);
  Codes code;
  memcpy(&code, codes, sizeof code);
#if defined(__AVX512BW__)
  const __m256i packed = reinterpret_cast<__m256i>(code);
  const __mmask16 hits = _mm256_cmpeq_epi16_mask(packed, _mm256_set1_epi16(row.hit));
  const __m512i from_misses = reinterpret_cast<__m512i>(misses);
  const __m512i offsets =
      _mm512_mask_add_epi32(from_misses, hits, from_misses, _mm512_set1_epi32(1 << kSlotShift));
  if (kAll) return reinterpret_cast<Ints>(offsets);
  const __mmask16 counts =
      _mm512_mask_cmp_ps_mask(static_cast<__mmask16>(~_mm256_movepi16_mask(packed)),
                              reinterpret_cast<__m512>(p), _mm512_set1_ps(row.limits.threshold), _CMP_GT_OQ);
  return reinterpret_cast<Ints>(_mm512_mask_mov_epi32(_mm512_set1_epi32(row.left_out), counts, offsets));
#else
  const Ints wide = __builtin_convertvector(code, Ints);
  const Ints offsets = misses - ((wide == static_cast<int32_t>(row.hit)) << kSlotShift);
  if (kAll) return offsets;
  const Ints counts = (wide >= 0) & (p > row.limits.threshold);
  return counts ? offsets : Splat(row.left_out);
#endif
}

PIXELCAL_INLINE int32_t LastSlot(const BinLimits& limits) {
  return static_cast<int32_t>((BinSlots(limits.bins) - 1) << kSlotShift);
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
