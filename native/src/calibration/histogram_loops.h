#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The way to find the number u of limits below a probability: u = 0 is in no bin, else its bin is u - 1.
enum class BinSearch {
  kGrid,    // limit g is within a quarter of a bin of g / bins: the nearest g, then one comparison
  kCount,   // a comparison with every limit
  kLookup,  // from a table of 256 cells of [0, 1] on, step by step
  kJoint,   // several limits within a quarter of a step of g / steps: the nearest g, then a comparison each
};

inline constexpr int kBinCells = 256;
inline constexpr int kJointPoints = 64;  // at most, the points 0 / steps to steps / steps

struct BinLimits {
  BinSearch search;
  int32_t bins;
  const float* limits;   // bins + 1, in rising order, then infinities up to 32 at least
  const int32_t* first;  // for kLookup: limits below cell / 256 (or fewer), kBinCells + 1
  float threshold;       // only probabilities above it count
  // For kJoint: the limits at every point, padded with infinities, [depth][kJointPoints]; `first` has the
  // number of limits at lower points.
  int32_t steps = 0, depth = 0;
  const float* at_points = nullptr;
};

// Returns the number of slots. A slot holds pixels with the same u and the same verdict: 2 u for misses, 2 u
// + 1 for hits; the last slot takes pixels that do not count.
inline int64_t BinSlots(int64_t bins) { return 2 * (bins + 1) + 1; }

// The cells of a slot: 8 of 64 bits, a cache line, to which different pixels add (or 4 pairs of doubles).
inline constexpr int64_t kSlotCells = 8;

// The offset of a probability in a cell, which is added as the bits of the double p + 2^12: the low 52 bits
// are p in units of 2^-40, rounded to the nearest, and the 12 above are the same odd number for every p, so
// that their sum modulo 2^12 is the number of additions. A cell holds up to 4095 of them; rows of this many
// pixels never add more: one pixel in eight, and a few at the ends of rows and of queues of 256.
inline constexpr double kCellOffset = 0x1p12;
inline constexpr int64_t kCellPixels = 4090 / (256 / 8 + 1) * 256;

// The numbers of limits below most of the misses and below most of the hits, as far as is known from earlier
// rows: it decides about speed alone.
struct UsualBins {
  int32_t miss, hit;
};

struct HistogramTable {
  // Adds `count` probabilities of [0, 1] to slots [BinSlots][kSlotCells]. A pixel is a hit where code == hit;
  // it counts where code >= 0 and p > threshold, and everywhere if `all`. Puts `usual` right for the next
  // row.
  void (*add)(const float* p, const int16_t* codes, int16_t hit, size_t count, BinLimits limits, bool all,
              uint64_t* slots, UsualBins* usual);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::HistogramTable, kHistogram, HistogramLoops)

}  // namespace pixelcal
