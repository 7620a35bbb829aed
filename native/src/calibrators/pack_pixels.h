#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/span.h"

namespace pixelcal {

// One case: logits [classes, pixels] of any finite values, labels, and a cell per pixel.
struct CasePixels {
  FloatSpan logits;
  LabelSpan labels;
  std::span<const uint16_t> cells;
  std::span<const uint8_t> depth;  // empty unless there is a band
  int64_t classes = 1, pixels = 1, band = 0;
  std::optional<int64_t> ignore;
};

struct PackedPixelSpans {
  std::span<float> logits;  // [classes, kept]
  std::span<uint16_t> labels, cells;
  std::span<float> weights;
  std::span<int32_t> at = {};  // the pixel's number in the image; empty unless wanted
};

namespace cpu {

// Writes the cell of every pixel: side * (radius + 1) + min(depth, radius), where the side is the predicted
// label, or with `foreground` whether it is not 0.
void DepthCells(const LabelSpan& predicted, std::span<const uint8_t> depth, int64_t radius, bool foreground,
                std::span<uint16_t> cells);

// Counts the pixels that a fit may use, all whose label is not `ignore` and, with a band, whose depth is
// below it: by cell and by label.
void CountPixels(const CasePixels& pixels, std::span<double> by_cell, std::span<double> by_label);

// Copies rates[cell] of those pixels, evenly spread in the order of the image and weighted by 1 / rate: the
// j-th pixel of a cell is taken where floor((j + 1) rate) exceeds floor(j rate). Returns their number, which
// must be that of the spans.
int64_t PackPixels(const CasePixels& pixels, std::span<const double> rates, const PackedPixelSpans& out);

}  // namespace cpu
}  // namespace pixelcal
