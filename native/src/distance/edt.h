#pragma once

// The exact distance transform in two rounds of tasks, so that several maps (images, or the classes of a
// label map) share their ParallelFor and the next step can work on a band that is still in cache: distance.cc
// uses it for masks, signed_distance.cc for classes, surface_distance.cc for surfaces.

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/shape.h"
#include "distance/distance.h"
#include "distance/envelope_loops.h"

namespace pixelcal::internal {

// kRoot and kSquare give float; kInteger gives int32 squares, only if integers(); kDouble gives squares in
// double, only otherwise and for Output::kExact.
using simd::Form;
using simd::Sites;  // the pixels to measure to: {bytes, value, equal}

// Returns how many tasks of `pixels` pixels one thread should take at once to be worth its while.
inline int64_t Grain(int64_t pixels) { return pixels >= 8192 ? 1 : (8192 + pixels - 1) / pixels; }

// The size of a result's values: 4 bytes, or 8 where squares are not integers.
enum class Output { kFloat, kExact };

// The properties shared by all maps of one shape. Its tables are scratch of the thread that makes it, which
// may therefore use only one at a time.
class GridDistance {
 public:
  GridDistance(const Grid& grid, const std::array<double, 3>& spacing, Output output = Output::kFloat);

  int64_t pixels() const { return planes_ * rows_ * columns_; }

  // Returns whether squares are computed as integers, which needs unit spacing and a squared diagonal that
  // fits.
  bool integers() const { return integers_; }
  // Returns the squared diagonal in pixels; no squared distance of unit spacing is larger.
  double diagonal() const { return diagonal_; }

  // First round: Sweep for 0 <= i < sweeps(), in any order. Its findings are kept in `out`, pixels() values.
  int64_t sweeps() const { return sweeps_; }
  void Sweep(const Sites& sites, int64_t i, void* out) const;

  // Second round, after the whole first one: Finish for 0 <= i < bands(), in any order, writes the pixels
  // [band_begin(i), band_begin(i + 1)) of `out`. The map must have a site.
  int64_t bands() const { return bands_; }
  int64_t band_begin(int64_t i) const { return i < bands_ ? i * band_pixels_ : pixels(); }
  // With `wanted`, only tiles whose byte is not 0 need to be right: tiles() bytes, a pixel's at Tile(pixel).
  void Finish(const Sites& sites, int64_t i, Form form, void* out, const uint8_t* wanted = nullptr) const;

  // Marks the tiles of a map of `bytes` that may have a pixel within `distance` of one with another byte;
  // `near` has tiles() bytes. Returns how many columns are within `distance`, or 0 if there are many.
  int32_t MarkNear(const uint8_t* bytes, double distance, uint8_t* near) const;
  // Does what Finish does for Form::kRoot in the tiles of `near`, and writes infinity in the others. With
  // `reach` columns, results that are not within them are only larger than they are.
  void FinishNear(const Sites& sites, int64_t i, const uint8_t* near, int32_t reach, float* out) const;

  int64_t tiles() const { return planes_ * tile_rows_ * tile_columns_; }
  int64_t Tile(int64_t pixel) const {
    const int64_t row = pixel / columns_;
    return ((row / rows_) * tile_rows_ + row % rows_ / simd::kStripRows) * tile_columns_ +
           pixel % columns_ / simd::kTileColumns;
  }

 private:
  void FinishLine(const Sites& sites, Form form, void* out) const;
  void FinishStrip(const Sites& sites, int64_t strip, Form form, void* out, const uint8_t* wanted,
                   int32_t reach = 0) const;
  void FinishRuns(const uint16_t* steps, const simd::RowsTask& strip) const;
  void FinishPlane(Form form, void* out, const uint8_t* wanted) const;
  // Calls body(first row, task) for the strips of a plane, as long as it returns true.
  template <class Body>
  bool ForStrips(const void* squares, Form form, void* out, const uint8_t* wanted, const Body& body) const;
  simd::RowsTask TaskOf(int64_t rows, const void* squares, Form form, void* out, const uint8_t* wanted) const;
  int StepBytes() const;
  // Returns the length of the longest axis that has an envelope: all axes but the slowest do.
  int64_t LongestEnvelope() const { return planes_ > 1 ? std::max(rows_, columns_) : columns_; }
  uint8_t* EnvelopeScratch() const;

  int64_t planes_ = 1, rows_ = 1, columns_ = 1;  // without the axes of size 1
  std::array<double, 3> spacing_{1, 1, 1};       // of planes, rows and columns
  int64_t tile_rows_, tile_columns_;
  int64_t sweeps_ = 1, sweep_columns_ = 0, bands_ = 1, band_pixels_;
  double diagonal_ = 0;
  bool integers_ = true;
  int64_t value_bytes_;
  const uint32_t *squares16_ = nullptr, *squares32_ = nullptr;
  const double *row_squares_ = nullptr, *column_squares_ = nullptr;
};

// Fills a map without sites according to the policy for images without any zero, for one image of `grid`.
void FillWithoutZero(const Grid& grid, const DistanceOptions& options, float* out);

}  // namespace pixelcal::internal
