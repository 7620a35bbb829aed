#pragma once

#include <cstdint>
#include <span>

#include "kernels/neighborhood.h"
#include "shape.h"

namespace pixelcal::cpu {

// The four image-weighted aggregations: masks [batch, classes, size...] and image [batch, size...] to out
// like masks. `ignored` [batch, size...] may be empty; its pixels count nowhere.
void ImageWindow(std::span<const uint8_t> masks, std::span<const uint8_t> ignored,
                 std::span<const float> image, const Grid& grid, const SoftLabelOptions& options,
                 std::span<float> out);

}  // namespace pixelcal::cpu
