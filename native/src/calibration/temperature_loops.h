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

// The bins of d = |ln(p / p')|: 64 in each octave from 2^-12 to 2^7, which float32 cannot exceed, below them
// bin 0, and bin kOddsBins for pixels of which there is nothing to add.
inline constexpr int kOddsBinBits = 6, kOddsFirstOctave = -12, kOddsOctaves = 19;
inline constexpr int64_t kOddsBins = (int64_t{kOddsOctaves} << kOddsBinBits) + 1;

struct OddsBin {
  double middle, half_width;
};
constexpr OddsBin OddsBinAt(int64_t bin) {
  double octave = 1.0 / 4096;
  if (bin == 0) return {octave / 2, octave / 2};
  for (int64_t at = 0; at < (bin - 1) >> kOddsBinBits; ++at) octave *= 2;
  const double half = octave / (2 << kOddsBinBits);
  return {octave + half * static_cast<double>(2 * ((bin - 1) & ((1 << kOddsBinBits) - 1)) + 1), half};
}

// The bins of a block of pixels of two classes, and the place in the bin from -1 to 1.
struct PairOdds {
  int64_t bin[2048];
  double place[2048];
};

// Sums in lanes: pixels, those whose label has probability 0, and d of those with the less probable label.
struct PairCounts {
  double count[kTemperatureLanes]{}, impossible[kTemperatureLanes]{}, wrong[kTemperatureLanes]{};
};

struct TemperatureTable {
  // Adds the pixels with code >= 0 of `classes` rows of probabilities; `room` has 40 doubles per class.
  void (*add)(const float* const* rows, int64_t classes, const int16_t* codes, size_t count, double* room,
              TemperatureLanes* sums);
  // Writes the odds of at most 2048 pixels of two classes, and counts those with code >= 0.
  void (*odds)(const float* first, const float* second, const int16_t* codes, size_t count, PairOdds* odds,
               PairCounts* counts);
  // Adds pixels of two classes, `weights` of each, with the more probable label; leaves the counts alone.
  void (*add_pairs)(const double* odds, const double* weights, size_t count, TemperatureLanes* sums);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::TemperatureTable, kTemperature, TemperatureLoops)

}  // namespace pixelcal
