#pragma once

#include <cstdint>

#include "soft_labels/class_rows.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal::cpu {

// One row of the image-weighted aggregations.
struct ImageRow {
  const float* image;  // [depth, height, width]
  const SelectedRows& classes;
  const SelectedRows* ignored;  // these pixels count nowhere; null without any
  int64_t count;                // of the selected classes
  int64_t z, y, row;            // row y of plane z, which is that row of the tile
};

// Class bit j to out + j * pixels.
void AggregateByImage(const ImageRow& row, const TileLayout& layout, const ClassRowsPlan& plan,
                      const SoftLabelOptions& options, float* out);

}  // namespace pixelcal::cpu
