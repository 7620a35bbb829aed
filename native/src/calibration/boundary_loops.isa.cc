#include "calibration/boundary_loops.h"

#include "calibration/bin_slots.h"
#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

template <class Segment>
void TakeNearer(const Segment* segment, int32_t own, const float* to, size_t count, float* near) {
#pragma omp simd
  for (size_t i = 0; i < count; ++i) near[i] = ((segment[i] != own) & (to[i] < near[i])) ? to[i] : near[i];
}

void TakeScore(const float* row, int16_t c, const int16_t* codes, size_t count, float* score, int16_t* hit,
               double* of_case) {
  if (c == 0) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) {
      score[i] = row[i];
      hit[i] = codes[i] == 0;
    }
  } else {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) {
      const bool larger = row[i] > score[i];
      score[i] = larger ? row[i] : score[i];
      hit[i] = larger ? static_cast<int16_t>(codes[i] == c) : hit[i];
    }
  }
#pragma omp simd
  for (size_t i = 0; i < count; ++i) {
    const double p = row[i];
    of_case[i] = codes[i] == c ? p : of_case[i];
  }
}

void Rings(const float* distance, size_t count, const float* limits, int64_t edges, int16_t* ring) {
  typedef int16_t Narrow __attribute__((vector_size(2 * kLanesOf<float>)));
  constexpr size_t kLanes = kLanesOf<float>;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vec<float> d = Load(distance + i);
    Vec<int32_t> above{};
    for (int64_t r = 0; r < edges; ++r) above -= d > Splat(limits[r]);
    const Narrow found = __builtin_convertvector(above, Narrow);
    memcpy(ring + i, &found, sizeof found);
  }
  for (; i < count; ++i) {
    ring[i] = 0;
    for (int64_t r = 0; r < edges; ++r) ring[i] = static_cast<int16_t>(ring[i] + (distance[i] > limits[r]));
  }
}

// The same operations as internal::LogLossUnits.
PIXELCAL_INLINE Words LossUnits(Doubles p) {
  constexpr uint64_t kFraction = (uint64_t{1} << 52) - 1, kOne = uint64_t{1023} << 52;
  constexpr double kLn2 = 0.693147180559945309;
  const Words bits = reinterpret_cast<Words>(p);
  Doubles e = reinterpret_cast<Doubles>((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
  Doubles m = reinterpret_cast<Doubles>((bits & kFraction) | kOne);
  const Masks large = m > 1.4142135623730951;
  m = large ? m * 0.5 : m;
  e = large ? e + 1.0 : e;
  const Doubles f = (m - 1.0) / (m + 1.0), z = f * f;
  Doubles series = z * (1.0 / 15) + 1.0 / 13;
  series = series * z + 1.0 / 11;
  series = series * z + 1.0 / 9;
  series = series * z + 1.0 / 7;
  series = series * z + 1.0 / 5;
  series = series * z + 1.0 / 3;
  const Doubles twice = f + f;
  const Doubles loss = Doubles{} - (e * kLn2 + (twice + twice * (z * series)));
  return __builtin_convertvector(loss * 0x1p40 + 0.5, Words);
}

PIXELCAL_INLINE void LossesOfEight(const double* p, size_t few, uint64_t* units) {
  Doubles value{};
  memcpy(&value, p, few * sizeof *p);
  const Masks possible = value > 0.0;
  const Words found = LossUnits(possible ? value : Doubles{} + 1.0);
  memcpy(units, &found, few * sizeof *units);
}

void Losses(const double* p, size_t count, uint64_t* units) {
  const size_t whole = count / 8 * 8;  // a copy of a known size is one instruction
  for (size_t i = 0; i < whole; i += 8) LossesOfEight(p + i, 8, units + i);
  if (whole < count) LossesOfEight(p + whole, count - whole, units + whole);
}

// A run of groups of eight pixels that all go to one cell, whose sums stay in registers.
struct CellRun {
  int32_t cell = -1, ring = 0;
  uint64_t count = 0, hits = 0, impossible = 0;
  Words confidence{}, losses{};

  PIXELCAL_INLINE void End(RingCell* cells, RingLoss* of_rings) {
    if (cell < 0) return;
    RingCell& to = cells[cell];
    RingLoss& loss = of_rings[ring];
    to.count += count;
    to.hits += hits;
    for (int lane = 0; lane < 8; ++lane) {
      to.confidence += confidence[lane];
      loss.units += losses[lane];
    }
    loss.impossible += impossible;
    *this = CellRun{};
  }
};

void Add(const RingPixels& pixels, const int16_t* ring, const uint64_t* units, size_t count,
         const BinLimits& limits, RingCell* cells, RingLoss* losses) {
  constexpr size_t kMost = 16;
  typedef int16_t Narrow __attribute__((vector_size(2 * kLanes)));
  CellRun run;
  const int32_t bins = limits.bins;
  for (size_t at = 0; at < count; at += kMost) {
    const size_t few = count - at < kMost ? count - at : kMost;
    alignas(64) float p[kMost] = {};
    alignas(64) int32_t cell[kMost];
    alignas(64) int16_t code[kMost], of_ring[kMost] = {};
    alignas(64) double terms[kMost];
    if (few == kMost) {
      memcpy(p, pixels.p + at, sizeof p);
      memcpy(code, pixels.codes + at, sizeof code);
      memcpy(of_ring, ring + at, sizeof of_ring);
    } else {
      memset(code, -1, sizeof code);
      memcpy(p, pixels.p + at, few * sizeof *p);
      memcpy(code, pixels.codes + at, few * sizeof *code);
      memcpy(of_ring, ring + at, few * sizeof *of_ring);
    }
    int32_t differ = 0, first = 0;
    for (size_t i = 0; i < kMost; i += kLanes) {
      Narrow narrow, codes;
      memcpy(&narrow, of_ring + i, sizeof narrow);
      memcpy(&codes, code + i, sizeof codes);
      const Ints below = LimitsBelow<BinSearch::kGrid, 33>(Load(p + i), limits);
      const Ints found = __builtin_convertvector(narrow, Ints) * bins + below - 1;
      Store(cell + i, __builtin_convertvector(codes, Ints) < 0 ? Splat(int32_t{-1}) : found);
    }
    first = cell[0];
#pragma omp simd reduction(| : differ)
    for (size_t i = 0; i < kMost; ++i) differ |= cell[i] ^ first;
#pragma omp simd
    for (size_t i = 0; i < kMost; ++i) terms[i] = static_cast<double>(p[i]) + kCellOffset;
    uint64_t term[kMost];
    memcpy(term, terms, sizeof term);
#pragma omp simd
    for (size_t i = 0; i < kMost; ++i) term[i] &= (uint64_t{1} << 52) - 1;
    if (differ == 0 && few == kMost) {
      if (first < 0) continue;
      if (first != run.cell) {
        run.End(cells, losses);
        run.cell = first;
        run.ring = of_ring[0];
      }
      int32_t hits = 0, impossible = 0;
#pragma omp simd reduction(+ : hits, impossible)
      for (size_t i = 0; i < kMost; ++i) {
        hits += pixels.hit[at + i];
        impossible += pixels.of_case[at + i] > 0 ? 0 : 1;
      }
      run.count += kMost;
      run.hits += static_cast<uint64_t>(hits);
      run.impossible += static_cast<uint64_t>(impossible);
      for (size_t i = 0; i < kMost; i += 8) {
        Words confidence, loss;
        memcpy(&confidence, term + i, sizeof confidence);
        memcpy(&loss, units + at + i, sizeof loss);
        run.confidence += confidence;
        run.losses += loss;
      }
      continue;
    }
    for (size_t i = 0; i < few; ++i) {
      if (cell[i] < 0) continue;
      RingCell& to = cells[cell[i]];
      RingLoss& loss = losses[of_ring[i]];
      to.count += 1;
      to.hits += static_cast<uint64_t>(pixels.hit[at + i]);
      to.confidence += term[i];
      loss.units += units[at + i];
      loss.impossible += pixels.of_case[at + i] > 0 ? 0 : 1;
    }
  }
  run.End(cells, losses);
}

}  // namespace

extern const BoundaryTable kBoundary;
const BoundaryTable kBoundary{TakeNearer<uint8_t>, TakeNearer<int32_t>, TakeScore, Rings, Losses, Add};

}  // namespace pixelcal::simd::PIXELCAL_ISA
