#pragma once

// Adds sixteen pixels at a time to the cells of rings. Only for .isa.cc files.

#include "calibration/bin_slots.h"
#include "calibration/boundary_loops.h"
#include "calibration/log_loops.h"

namespace pixelcal::simd::PIXELCAL_ISA {

// The pixels of a group: their cells, -1 for those left out, and what they add to them.
inline constexpr int kGroup = 16, kParts = kGroup / kLanes;
typedef int16_t Narrow __attribute__((vector_size(2 * kLanes)));
typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
struct Group {
  Ints cell[kParts], ring[kParts], hit[kParts];  // hit: all bits or none
  Words confidence[2], losses[2];
  Masks impossible[2];
};

PIXELCAL_INLINE Doubles EightAt(const float* from) {
  EightFloats value;
  memcpy(&value, from, sizeof value);
  return Wide(value);
}

// A run of groups whose pixels all go to one cell; its sums stay in registers.
struct CellRun {
  int32_t cell = -1, ring = 0;
  uint64_t count = 0;
  Ints hits{};
  Words confidence{}, losses{};
  Masks impossible{};

  PIXELCAL_INLINE void Add(const Group& group) {
    count += kGroup;
    for (int part = 0; part < kParts; ++part) hits -= group.hit[part];
    for (int half = 0; half < 2; ++half) {
      confidence += group.confidence[half];
      losses += group.losses[half];
      impossible -= group.impossible[half];
    }
  }
  PIXELCAL_INLINE void End(RingCell* cells, RingLoss* of_rings) {
    if (count == 0) return;
    RingCell& to = cells[cell];
    RingLoss& loss = of_rings[ring];
    to.count += count;
    for (int lane = 0; lane < kLanes; ++lane) to.hits += static_cast<uint64_t>(hits[lane]);
    for (int lane = 0; lane < 8; ++lane) {
      to.confidence += confidence[lane];
      loss.units += losses[lane];
      loss.impossible += static_cast<uint64_t>(impossible[lane]);
    }
    *this = CellRun{};
  }
};

PIXELCAL_INLINE bool AllEqual(const Ints* lanes, int32_t to) {
  Ints differ{};
  for (int part = 0; part < kParts; ++part) differ |= lanes[part] ^ to;
  return !AnyLane(differ);
}

PIXELCAL_INLINE void AddGroup(const Group& group, CellRun& run, RingCell* cells, RingLoss* losses) {
  const int32_t first = group.cell[0][0];
  if (AllEqual(group.cell, first)) {
    if (first < 0) return;
    if (first != run.cell) {
      run.End(cells, losses);
      run.cell = first;
      run.ring = group.ring[0][0];
    }
    run.Add(group);
    return;
  }
  int32_t cell[kGroup], ring[kGroup], hit[kGroup];
  uint64_t confidence[kGroup], units[kGroup];
  int64_t impossible[kGroup];
  memcpy(cell, group.cell, sizeof cell);
  memcpy(ring, group.ring, sizeof ring);
  memcpy(hit, group.hit, sizeof hit);
  memcpy(confidence, group.confidence, sizeof confidence);
  memcpy(units, group.losses, sizeof units);
  memcpy(impossible, group.impossible, sizeof impossible);
  for (int i = 0; i < kGroup; ++i) {
    if (cell[i] < 0) continue;
    RingCell& to = cells[cell[i]];
    RingLoss& loss = losses[ring[i]];
    to.count += 1;
    to.hits -= static_cast<uint64_t>(int64_t{hit[i]});
    to.confidence += confidence[i];
    loss.units += units[i];
    loss.impossible -= static_cast<uint64_t>(impossible[i]);
  }
}

// Writes what p and the code of a part's pixels say: the cells, given their rings.
template <int kTable>
PIXELCAL_INLINE void FindCells(int part, Floats p, Ints code, Ints ring, const BinLimits& limits,
                               Group& group) {
  const Ints found = ring * limits.bins + LimitsBelow<BinSearch::kGrid, kTable>(p, limits) - 1;
  group.ring[part] = ring;
  group.cell[part] = code < 0 ? Splat(int32_t{-1}) : found;
}

PIXELCAL_INLINE void AddConfidence(const float* p, Group& group) {
  constexpr uint64_t kUnits = (uint64_t{1} << 52) - 1;
  for (int half = 0; half < 2; ++half)
    group.confidence[half] = reinterpret_cast<Words>(EightAt(p + 8 * half) + kCellOffset) & kUnits;
}

// Takes the log losses of a group's pixels, rounded to units.
PIXELCAL_INLINE void AddLosses(const double* losses, Group& group) {
  for (int half = 0; half < 2; ++half) {
    Doubles loss;
    memcpy(&loss, losses + 8 * half, sizeof loss);
    const Masks possible = loss < __builtin_inf();
    loss = possible ? loss : Doubles{};
    group.losses[half] = __builtin_convertvector(loss * 0x1p40 + 0.5, Words);
    group.impossible[half] = ~possible;
  }
}

}  // namespace pixelcal::simd::PIXELCAL_ISA
