#pragma once

#include <stddef.h>
#include <stdint.h>

#include "calibration/histogram_loops.h"
#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The sums of a cell, which is a bin of a ring, and the log losses of a ring; p and losses in units of 2^-40.
// `pixels` is their number and, from bit kRingHits on, that of hits.
inline constexpr int kRingHits = 24;
struct RingCell {
  uint64_t pixels, confidence;
};
struct RingLoss {
  uint64_t units, impossible;
};

// The values of a block's pixels: p, whether p is right, the code, and the log loss, infinite where what is
// the case has probability 0.
struct RingPixels {
  const float* p;
  const int16_t *hit, *codes;
  const double* losses;
};

// The values of a block's pixels of two classes: the probabilities, the codes, the log losses of the labels,
// the class of the arg-max, and the distances to the segments of both classes, null for one without pixels.
struct RingPair {
  const float *first, *second;
  const int16_t* codes;
  const double* losses;
  const uint8_t* segment;
  const float *to_first, *to_second;
};

// The loops over `count` pixels of a block for sums by distance to a boundary.
struct BoundaryTable {
  // Makes `near` the distance `to` segment `own` where that is less and the pixel is in another one.
  void (*take_nearer)(const uint8_t* segment, int32_t own, const float* to, size_t count, float* near);
  void (*take_nearer_of_many)(const int32_t* segment, int32_t own, const float* to, size_t count,
                              float* near);
  // Makes a row's probability, of class c, the score where it is above that, always for class 0: `hit` tells
  // whether c is the label.
  void (*take_score)(const float* row, int16_t c, const int16_t* codes, size_t count, float* score,
                     int16_t* hit);
  // Writes the number of `edges` limits that each distance exceeds.
  void (*rings)(const float* distance, size_t count, const float* limits, int64_t edges, int16_t* ring);
  // Writes -ln of probabilities, infinity for 0.
  void (*losses)(const double* p, size_t count, double* losses);
  // Adds pixels with code >= 0 to the cells [ring][bin] and to the losses of their rings, in units as
  // internal::LogLossUnits; at most 2^17 pixels between two resets of the cells. `limits` are for
  // BinSearch::kGrid.
  void (*add)(const RingPixels& pixels, const int16_t* ring, size_t count, const BinLimits& limits,
              RingCell* cells, RingLoss* losses);
  // Finds scores, hits and rings of the top label of two classes, and adds them as `add` does.
  void (*add_pair)(const RingPair& pixels, size_t count, const float* edges, int64_t edge_count,
                   const BinLimits& limits, RingCell* cells, RingLoss* losses);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::BoundaryTable, kBoundary, BoundaryLoops)

}  // namespace pixelcal
