#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The codes of pixels: the class, or one of these.
inline constexpr int16_t kLeftOut = -1;
inline constexpr int16_t kInvalid = -2;

// The labels that are classes, and the label to leave out.
struct LabelRange {
  int64_t classes;
  bool ignores;
  int64_t ignored;
};

struct CodeFlags {
  bool invalid, left_out;  // whether any code is so
};

// The loops over `count` pixels of one row.
struct PixelRowsTable {
  CodeFlags (*encode_uint8)(const uint8_t* labels, size_t count, LabelRange range, int16_t* codes);
  CodeFlags (*encode_int32)(const int32_t* labels, size_t count, LabelRange range, int16_t* codes);
  CodeFlags (*encode_int64)(const int64_t* labels, size_t count, LabelRange range, int16_t* codes);
  // Leaves out the pixels where mask is 0, whatever their code.
  void (*leave_out)(const uint8_t* mask, size_t count, int16_t* codes);
  // Writes the answers, with those of pixels of class 0 left out.
  void (*of_objects)(const int16_t* codes, const int16_t* answers, size_t count, int16_t* out);
  // Returns whether all are in [0, 1]; false also for -0.
  bool (*in_unit)(const float* values, size_t count);
  bool (*half_in_unit)(const uint16_t* values, size_t count);
  // Widens float16, given by its bits, to float32.
  void (*widen)(const uint16_t* values, size_t count, float* out);
  void (*complement)(const float* values, size_t count, float* out);  // 1 - value
  // Write codes of yes-or-no questions, 1 for yes: is it a class other than 0, is it the class of `winner`?
  // Left-out pixels stay so.
  void (*is_foreground)(const int16_t* codes, size_t count, int16_t* answers);
  void (*is_winner)(const int16_t* codes, const int16_t* winner, size_t count, int16_t* answers);
  // Makes a value above best the new best and `row` the winner; row 0 always. Returns whether any is NaN.
  bool (*take_larger)(const float* values, size_t count, int16_t row, float* best, int16_t* winner);
  float (*least)(const float* values, size_t count);  // infinity if there are none
  // Adds a row to sums; tells whether any sum is outside of [low, high] or NaN.
  void (*add_row)(const float* values, size_t count, double* sums);
  bool (*any_outside)(const double* sums, size_t count, double low, double high);
  // Does both for the sums of two rows, which it keeps to itself.
  bool (*any_pair_outside)(const float* first, const float* second, size_t count, double low, double high);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::PixelRowsTable, kPixelRows, PixelRowsLoops)

}  // namespace pixelcal
