#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The scaling of a signed distance: clipped to +-limit, then divided by the number of its side.
struct Scale {
  float limit, outside, inside;
};

struct SignedDistanceTable {
  // Scan `count` labels: give the bits of the classes met (classes <= 64), and the labels as bytes unless
  // `bytes` is null. Return false for a label outside [0, classes).
  bool (*scan8)(const uint8_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen);
  bool (*scan32)(const int32_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen);
  bool (*scan64)(const int64_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen);
  // Turns squared distances, or the bits of float distances (which order as they do), to each of at least two
  // `classes` (map c at maps[c]) into signed ones: inside class c, where the distance is 0, minus the least
  // of the others. largest[c][0] and [1] become the largest outside and inside.
  void (*sign)(int32_t* const* maps, int64_t classes, int64_t count, int32_t* const* largest);
  // Scale the results of `sign` in place: squares, among which there may be `large` ones (2^24 and more), or
  // the bits of floats.
  void (*scale_squares)(void* values, int64_t count, bool large, Scale scale);
  void (*scale_bits)(void* values, int64_t count, Scale scale);
  void (*scale)(float* values, int64_t count, Scale scale);
  // Finds the largest distance on either side.
  void (*extremes)(const float* values, int64_t count, float* outside, float* inside);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::SignedDistanceTable, kSignedDistance, SignedDistanceLoops)

}  // namespace pixelcal
