#pragma once

#include <cstdint>
#include <span>

#include "base/shape.h"
#include "base/span.h"

namespace pixelcal::cpu {

// Computes the depth of every pixel inside its predicted label: the number of nested windows around it, 1 to
// `growth.size()`, that hold one label only. Window r is window r - 1 grown by one pixel on both sides of
// each axis whose bit is set in growth[r - 1] (bit 0: the first spatial axis); windows end at the image's
// border. O(steps x axes x pixels). `labels` and `depth` are [batch, ...size]; at most 255 steps.
void BoundaryDepth(const LabelSpan& labels, const Grid& grid, std::span<const uint8_t> growth,
                   std::span<uint8_t> depth);

}  // namespace pixelcal::cpu
