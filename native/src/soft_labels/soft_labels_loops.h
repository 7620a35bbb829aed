#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

enum class OneHotRule { kLargest, kSmallest, kMedian, kMode };

// The loops over rows and tiles of pixels, whose codes are those of labels/pixel_rows_loops.h. A byte of
// `bits` holds eight classes, one per bit; a count is the number of set pixels in a window, in a byte; planes
// lie `stride` elements apart.
struct SoftLabelTable {
  // Sets bit j where the code is first + j.
  void (*one_hot)(const int16_t* codes, size_t count, int first, uint8_t* bits);
  // Writes `mark` where the code is `code`, else 0.
  void (*equal)(const int16_t* codes, size_t count, int16_t code, uint8_t mark, uint8_t* out);

  // Computes the AND (all) or OR of `rows` rows.
  void (*merge)(const uint8_t* const* from, size_t rows, bool all, size_t count, uint8_t* out);
  // Computes the AND or OR of line[-1], line[0] and line[1], and of out itself with `more`.
  void (*widen)(const uint8_t* line, bool all, bool more, size_t count, uint8_t* out);
  // Computes a & ~b.
  void (*without)(const uint8_t* a, const uint8_t* b, size_t count, uint8_t* out);
  // Computes out |= difference ? a ^ b : a.
  void (*band)(const uint8_t* a, const uint8_t* b, bool difference, size_t count, uint8_t* out);

  // Counts bit `bit` over the rows, at each column; a pair counts the next bit as well, each in half a byte.
  // These and the sums of lines run over whole vectors.
  void (*sum_bits)(const uint8_t* const* from, size_t rows, int bit, bool pair, size_t count, uint8_t* line);
  // Computes out[i] = line[i] + ... + line[i + taps - 1]; of pairs with `second`, the output of the second
  // bit.
  void (*sum_line)(const uint8_t* line, size_t taps, size_t count, uint8_t* out, uint8_t* second);
  // Computes out[i] = middle[i] + sides[i - 1] + sides[i + 1]; either may be null.
  void (*sum_level)(const uint8_t* middle, const uint8_t* sides, size_t count, uint8_t* out, uint8_t* second);

  // Writes per pixel and class 1 for the class that the rule picks among the counts, else 0.
  void (*one_hot_counts)(OneHotRule rule, uint8_t* planes, size_t stride, size_t classes, size_t count);
  void (*one_hot_floats)(OneHotRule rule, float* planes, size_t stride, size_t classes, size_t count);
  // Writes 1 where the count is at least `least`, else 0.
  void (*threshold_counts)(uint8_t* plane, size_t count, uint8_t least);
  void (*threshold_floats)(float* plane, size_t count, float least);

  void (*add_floats)(const float* from, size_t count, float* to);
  // Writes, where hard, 1 if the code is `code`, else 0.
  void (*replace_floats)(const int16_t* codes, int code, const uint8_t* hard, size_t count, float* plane);
  // Divides values by divisors; division by 0 gives 0.
  void (*divide_floats)(const float* divisors, size_t count, float* values);

  // Adds weight * bit, for windows of any weights.
  void (*add_bits)(const uint8_t* from, int bit, float weight, size_t count, float* sum);
  // Computes out = centre * own bit + sum_t taps[t] * line[i + t].
  void (*filter_line)(const float* line, const float* taps, size_t count_of_taps, const uint8_t* own, int bit,
                      float centre, size_t count, float* out);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::SoftLabelTable, kSoftLabels, SoftLabelLoops)

}  // namespace pixelcal
