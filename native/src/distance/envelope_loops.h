#pragma once

#include <stddef.h>
#include <stdint.h>

#include "distance/steps_loops.h"

namespace pixelcal {
namespace simd {

// The form of results: float distance, float squared distance, int32 squared distance, double squared
// distance.
enum class Form { kRoot, kSquare, kInteger, kDouble };

inline constexpr int64_t kTileColumns = 16;

// The envelopes along 1 to kStripRows rows.
struct RowsTask {
  int64_t rows, columns;
  int64_t from_stride;  // in elements; at least `columns` rounded up to kTileColumns may be read
  const void* squares;  // centre of a table of squares: uint32_t (16 bits: twice in one) or double
  double spacing;       // of the columns; `step` that of the steps: 1 in integers
  double step;
  uint8_t* scratch;  // EnvelopeBytes(columns)
  void* out;         // float, int32_t or double
  int64_t out_stride;
  Form form;
  bool large;             // whether squares may be 2^24 and more
  const uint8_t* wanted;  // whether each kTileColumns columns are wanted; null: all are
  // Sites more than so many columns away are not looked for, and results beyond are only larger than that;
  // 0: all are looked for.
  int32_t reach = 0;
};

// The envelopes down the columns of a plane.
struct ColumnsTask {
  int64_t rows, columns;
  const void* squares;
  double spacing, step;
  uint8_t* scratch;   // EnvelopeBytes(rows)
  int64_t to_stride;  // `columns` rounded up to kStripRows; `to` has rows rounded up to 8
};

// The envelopes, from steps or from the squares of the previous pass to squares. In 16 bits sums saturate:
// `false` means that 65535 or more came out and 32 bits are needed, which no limited reach does. The 32-bit
// ones return the largest square. The ones in double have no Form::kInteger, and only they have
// Form::kDouble.
struct EnvelopeTable {
  bool (*rows16_of_steps)(const uint16_t* steps, const RowsTask& task);
  bool (*rows16)(const uint16_t* squares, const RowsTask& task);
  int32_t (*rows32_of_steps)(const uint16_t* steps, const RowsTask& task);
  int32_t (*rows32)(const int32_t* squares, const RowsTask& task);
  void (*rows64_of_steps)(const uint16_t* steps, const RowsTask& task);
  void (*rows64)(const double* squares, const RowsTask& task);
  void (*columns16_of_steps8)(const uint8_t* steps, const ColumnsTask& task, uint16_t* to);
  void (*columns16_of_steps16)(const uint16_t* steps, const ColumnsTask& task, uint16_t* to);
  void (*columns32_of_steps8)(const uint8_t* steps, const ColumnsTask& task, int32_t* to);
  void (*columns32_of_steps16)(const uint16_t* steps, const ColumnsTask& task, int32_t* to);
  void (*columns64_of_steps8)(const uint8_t* steps, const ColumnsTask& task, double* to);
  void (*columns64_of_steps16)(const uint16_t* steps, const ColumnsTask& task, double* to);
  void (*columns64_of_steps32)(const uint32_t* steps, const ColumnsTask& task, double* to);
};

// Returns the bytes of scratch for the envelope along an axis of n pixels.
inline constexpr int64_t EnvelopeBytes(int64_t n) {
  return (n + kTileColumns) * kStripRows * 8 + (8 + 3 * 4) * (n / 8 + kTileColumns);
}

// Returns the entries on either side of the centre of a table of squares for an axis of n pixels.
inline constexpr int64_t SquaresReach(int64_t n) { return n + 32; }

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::EnvelopeTable, kEnvelope, EnvelopeLoops)

}  // namespace pixelcal
