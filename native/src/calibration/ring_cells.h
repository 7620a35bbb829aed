#pragma once

// Adds sixteen pixels at a time to the cells of rings. Only for .isa.cc files.

#include "calibration/bin_slots.h"
#include "calibration/boundary_loops.h"
#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {

// The pixels of a group: their cells and rings, and what they add to them, 0 for those left out.
inline constexpr int kGroup = 16, kParts = kGroup / kLanes;
typedef int16_t Narrow __attribute__((vector_size(2 * kLanes)));
typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
struct Group {
  Ints cell[kParts], ring[kParts];
  Ints pixels[kParts];  // as in RingCell
  Words confidence[2], losses[2], impossible[2];
};

PIXELCAL_INLINE Doubles EightAt(const float* from) {
  EightFloats value;
  memcpy(&value, from, sizeof value);
  return Wide(value);
}

// GCC 12 converts narrow values one by one, where AVX-512 has one instruction.
PIXELCAL_INLINE Ints IntsOf(Bytes bytes) {
#if defined(__AVX512BW__)
  return reinterpret_cast<Ints>(_mm512_maskz_cvtepu8_epi32(0xffff, reinterpret_cast<__m128i>(bytes)));
#else
  return __builtin_convertvector(bytes, Ints);
#endif
}
PIXELCAL_INLINE Ints IntsOf(Narrow values) {
#if defined(__AVX512BW__)
  return reinterpret_cast<Ints>(_mm512_maskz_cvtepi16_epi32(0xffff, reinterpret_cast<__m256i>(values)));
#else
  return __builtin_convertvector(values, Ints);
#endif
}

// Returns eight numbers of at least 0.
PIXELCAL_INLINE Words EightAt(const int32_t* from) {
  typedef int32_t EightInts __attribute__((vector_size(32)));
  EightInts value;
  memcpy(&value, from, sizeof value);
#if defined(__AVX512BW__)
  return reinterpret_cast<Words>(_mm512_maskz_cvtepi32_epi64(0xff, reinterpret_cast<__m256i>(value)));
#else
  return __builtin_convertvector(value, Words);
#endif
}

// Two sums of groups whose pixels all go to one place, which stay in registers until others follow. A place
// has two numbers: it is a RingCell or a RingLoss.
struct PlaceRun {
  int32_t place = 0;
  Words first{}, second{};

  template <class Place>
  PIXELCAL_INLINE void End(Place* places) {
    uint64_t sums[2] = {};
    for (int lane = 0; lane < 8; ++lane) {
      sums[0] += first[lane];
      sums[1] += second[lane];
    }
    AddTo(places + place, sums);
    first = second = Words{};
  }
  // Adds a group whose pixels go to these places.
  template <class Place>
  PIXELCAL_INLINE void Add(const Ints* to, const Words* firsts, const Words* seconds, Place* places) {
    const int32_t one = to[0][0];
    Ints differ{};
    for (int part = 0; part < kParts; ++part) differ |= to[part] ^ one;
    if (AnyLane(differ)) {
      int32_t each[kGroup];
      uint64_t terms[kGroup][2];
      memcpy(each, to, sizeof each);
      for (int half = 0; half < 2; ++half) {
        const Words a = firsts[half], b = seconds[half];
        const Words low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
        const Words high = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
        memcpy(terms[8 * half], &low, sizeof low);
        memcpy(terms[8 * half + 4], &high, sizeof high);
      }
      for (int i = 0; i < kGroup; ++i) AddTo(places + each[i], terms[i]);
      return;
    }
    if (one != place) {
      End(places);
      place = one;
    }
    for (int half = 0; half < 2; ++half) {
      first += firsts[half];
      second += seconds[half];
    }
  }

 private:
  template <class Place>
  PIXELCAL_INLINE static void AddTo(Place* place, const uint64_t* terms) {
    typedef uint64_t Two __attribute__((vector_size(16)));
    static_assert(sizeof(Place) == sizeof(Two));
    Two sum, term;
    memcpy(&sum, place, sizeof sum);
    memcpy(&term, terms, sizeof term);
    sum += term;
    memcpy(place, &sum, sizeof sum);
  }
};

struct GroupRuns {
  PlaceRun cell, ring;

  PIXELCAL_INLINE void Add(const Group& group, RingCell* cells, RingLoss* losses) {
    alignas(64) int32_t pixels[kGroup];
    memcpy(pixels, group.pixels, sizeof pixels);
    const Words wide[2] = {EightAt(pixels), EightAt(pixels + 8)};
    cell.Add(group.cell, wide, group.confidence, cells);
    ring.Add(group.ring, group.losses, group.impossible, losses);
  }
  PIXELCAL_INLINE void End(RingCell* cells, RingLoss* losses) {
    cell.End(cells);
    ring.End(losses);
  }
};

// Writes what the pixels of a part add to their cells, given their rings; `hit` has all bits or none.
template <int kTable>
PIXELCAL_INLINE void FindCells(int part, Floats p, Ints code, Ints ring, Ints hit, const BinLimits& limits,
                               Group& group) {
  group.ring[part] = ring;
  group.cell[part] = ring * limits.bins + LimitsBelow<BinSearch::kGrid, kTable>(p, limits) - 1;
  group.pixels[part] = (code >= 0) & ((hit & (int32_t{1} << kRingHits)) | 1);
}

// Takes the probabilities of a group's pixels and their log losses, rounded to units.
PIXELCAL_INLINE void TakeTerms(const float* p, const double* losses, const int16_t* codes, Group& group) {
  constexpr uint64_t kUnits = (uint64_t{1} << 52) - 1;
  for (int half = 0; half < 2; ++half) {
    Doubles loss;
    EightCodes code;
    memcpy(&loss, losses + 8 * half, sizeof loss);
    memcpy(&code, codes + 8 * half, sizeof code);
    const Masks counted = Wide(code) >= 0, possible = loss < __builtin_inf();
    loss = (counted & possible) ? loss : Doubles{};
    group.losses[half] = __builtin_convertvector(loss * 0x1p40 + 0.5, Words);
    group.impossible[half] = reinterpret_cast<Words>(counted & ~possible) >> 63;
    const Words units = reinterpret_cast<Words>(EightAt(p + 8 * half) + kCellOffset) & kUnits;
    group.confidence[half] = units & reinterpret_cast<Words>(counted);
  }
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
