#pragma once

// The surface elements of a mask on the device, equal to those of SurfacePixels and SurfaceCorners
// (surface/surface.h) place by place.

#include "cuda/launch.h"
#include "surface/surface.h"

namespace pixelcal::cuda {

// A mask by the coordinates of a box, outside of which it has no pixels.
struct BoxedMask {
  const uint8_t* first;    // first pixel of the box
  const uint8_t* ignored;  // the first of the ignored pixels; null for none
  Dhw extent;
  int64_t row, plane;  // strides

  __device__ bool Holds(const uint8_t* bytes, int64_t z, int64_t y, int64_t x) const {
    return z >= 0 && z < extent[0] && y >= 0 && y < extent[1] && x >= 0 && x < extent[2] &&
           bytes[z * plane + y * row + x] != 0;
  }
  __device__ bool At(int64_t z, int64_t y, int64_t x) const { return Holds(first, z, y, x); }
  __device__ bool Ignored(int64_t z, int64_t y, int64_t x) const {
    return ignored != nullptr && Holds(ignored, z, y, x);
  }
};

// Gives 1 for pixels with a neighbour outside the mask; ignored neighbours do not count.
struct PixelCode {
  int rank;
  bool full;

  __device__ uint8_t operator()(const BoxedMask& mask, int64_t z, int64_t y, int64_t x) const {
    if (!mask.At(z, y, x)) return 0;
    const int deep = rank > 2 ? 1 : 0, high = rank > 1 ? 1 : 0;
    for (int dz = -deep; dz <= deep; ++dz)
      for (int dy = -high; dy <= high; ++dy)
        for (int dx = -1; dx <= 1; ++dx)
          if ((full || dz * dz + dy * dy + dx * dx == 1) && !mask.At(z + dz, y + dy, x + dx) &&
              !mask.Ignored(z + dz, y + dy, x + dx))
            return 1;
    return 0;
  }
};

// Gives the code of SurfaceElementSizes of the 2^rank pixels around a corner, 0 if all that count agree.
struct CornerCode {
  int rank;

  __device__ uint8_t operator()(const BoxedMask& mask, int64_t z, int64_t y, int64_t x) const {
    const int deep = rank > 2 ? 1 : 0, all = rank > 2 ? 255 : 15;
    int code = 0, filled = 0;  // in `filled` ignored pixels count as inside
    for (int oz = -deep; oz <= 0; ++oz)
      for (int oy = -1; oy <= 0; ++oy)
        for (int ox = -1; ox <= 0; ++ox) {
          const bool inside = mask.At(z + oz, y + oy, x + ox);
          code = code << 1 | (inside ? 1 : 0);
          filled = filled << 1 | (inside || mask.Ignored(z + oz, y + oy, x + ox) ? 1 : 0);
        }
    return static_cast<uint8_t>(filled == all ? 0 : code);
  }
};

}  // namespace pixelcal::cuda
