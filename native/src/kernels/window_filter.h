#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "shape.h"

namespace pixelcal {

// What a window sees outside the image.
enum class WindowBorder {
  kBackground,  // pixels of class 0
  kZero,        // no class: the missing weight is lost
  kReplicate,   // the nearest pixel
  kReflect101,  // the mirror image, the edge pixel not repeated
};

// The separable window scale * taps (x) taps (x) ... over the last `dimensions` axes, plus `centre` at its
// middle.
struct Window {
  std::span<const float> taps;  // odd count, the same along each axis
  int dimensions = 1;
  float scale = 1;
  float centre = 0;

  int64_t Radius() const { return std::ssize(taps) / 2; }
  // The weight of the whole window.
  double Total() const;
};

// The pixel a border rule reads for index `i` of an axis of `size`, or -1 for a constant.
int64_t BorderIndex(int64_t i, int64_t size, WindowBorder border);

namespace cpu {

// out = window * mask for masks [batch, planes, size...]; with kBackground the plane 0 of every image is 1
// outside. Whole-number taps give exact counts.
void FilterMasks(std::span<const uint8_t> masks, const Grid& grid, int64_t planes, const Window& window,
                 WindowBorder border, std::span<float> out);

}  // namespace cpu
}  // namespace pixelcal
