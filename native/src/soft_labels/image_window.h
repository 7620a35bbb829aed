#pragma once

#include <cstdint>

#include "soft_labels/class_rows.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal::cpu {

// A row of the image-weighted aggregations.
struct ImageRow {
  const float* image;  // [depth, height, width]
  const SelectedRows& classes;
  const SelectedRows* ignored;  // pixels that count nowhere; null for none
  int64_t count;                // number of selected classes
  int64_t z, y, row;            // row y of plane z is row `row` of the tile
};

// Aggregates class bit j to out + j * pixels.
void AggregateByImage(const ImageRow& row, const TileLayout& layout, const ClassRowsPlan& plan,
                      const SoftLabelOptions& options, float* out);

}  // namespace pixelcal::cpu
