#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

inline constexpr int kTemperatureLanes = 8;

// Sums in lanes: pixel i adds to lane i % 8.
struct TemperatureLanes {
  double slope[33][kTemperatureLanes], curvature[33][kTemperatureLanes], third[33][kTemperatureLanes];
  double count[kTemperatureLanes], impossible[kTemperatureLanes], loss[kTemperatureLanes];
};

// The bins of r = p / p', the least of two probabilities by the largest: 128 in each octave from 2^-4 to 1,
// bin 0 above them for r = 1, and 16 in each octave below, down to the least that float32 can give.
inline constexpr int kFineBits = 7, kCoarseBits = 4, kFineOctaves = 4, kRatioOctaves = 149;
inline constexpr int64_t kFineBins = (int64_t{kFineOctaves} << kFineBits) + 1;
inline constexpr int64_t kRatioBins = kFineBins + (int64_t{kRatioOctaves - kFineOctaves} << kCoarseBits);

struct RatioBin {
  double middle, half_width;
};
constexpr RatioBin RatioBinAt(int64_t bin) {
  const bool fine = bin < kFineBins;
  const int bits = fine ? kFineBits : kCoarseBits;
  // The number of bins below 1 and above or at this one, and that of octaves which they fill.
  const int64_t down = fine ? bin : bin - kFineBins + 1 + (int64_t{kFineOctaves} << kCoarseBits);
  const int64_t octaves = (down + (int64_t{1} << bits) - 1) >> bits, up = (octaves << bits) - down;
  double least = 1;
  for (int64_t at = 0; at < octaves; ++at) least /= 2;
  const double half = least / (int64_t{2} << bits);
  return {least + half * static_cast<double>(2 * up + 1), half};
}

// A cell has the sums of the powers 0 to 4 of the place in its bin, from -1 to 1, and room that stays 0.
// Pixels with the more probable label go to two tables in turns, so that neighbours do not wait for each
// other, pixels with the other label to a third; a table's last cell takes what has no place.
inline constexpr int64_t kMoments = 5, kCellNumbers = 8;
inline constexpr int64_t kWrongTable = 2, kPairTables = 3, kTableCells = kRatioBins + 1;

// Sums in lanes: pixels and those whose label has probability 0; and the largest bin.
struct PairCounts {
  double count[kTemperatureLanes]{}, impossible[kTemperatureLanes]{};
  int64_t last[kTemperatureLanes]{};
};

struct TemperatureTable {
  // Adds the pixels with code >= 0 of `classes` rows of probabilities; `room` has 40 doubles per class.
  void (*add)(const float* const* rows, int64_t classes, const int16_t* codes, size_t count, double* room,
              TemperatureLanes* sums);
  // Adds the pixels with code >= 0 of two classes to cells [kPairTables][kTableCells][kCellNumbers].
  void (*add_moments)(const float* first, const float* second, const int16_t* codes, size_t count,
                      double* cells, PairCounts* counts);
  // Adds pixels of two classes with these ratios, `weights` of each, of which `wrong` have the less probable
  // label; leaves the counts alone.
  void (*add_pairs)(const double* ratios, const double* weights, const double* wrong, size_t count,
                    TemperatureLanes* sums);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::TemperatureTable, kTemperature, TemperatureLoops)

}  // namespace pixelcal
