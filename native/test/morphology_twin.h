#pragma once

// The slow twin of morphology: every pixel looks at every pixel of its structuring element, the border rule
// applied literally.

#include <cstdint>
#include <random>
#include <vector>

#include "morphology/morphology.h"
#include "soft_labels/window_filter.h"

namespace pixelcal::test {

// The border rules of MorphologyTwin.
enum class Padding { kNeutral, kZero, kOne, kReplicate, kReflect101 };

using Image = std::vector<uint8_t>;

inline Image Extremum(const Image& in, const Grid& grid, const MorphologyOptions& options, Padding padding,
                      bool dilate) {
  const auto size = grid.DepthHeightWidth();
  const int64_t r = options.radius, pixels = grid.Pixels();
  Image out(in.size());
  for (int64_t n = 0; n < grid.batch; ++n)
    for (int64_t i = 0; i < pixels; ++i) {
      const int64_t at[3] = {i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]};
      bool any = false, all = true;
      int64_t o[3];
      for (o[0] = grid.rank > 2 ? -r : 0; o[0] <= (grid.rank > 2 ? r : 0); ++o[0])
        for (o[1] = grid.rank > 1 ? -r : 0; o[1] <= (grid.rank > 1 ? r : 0); ++o[1])
          for (o[2] = -r; o[2] <= r; ++o[2]) {
            if (options.structure == Structure::kCross && (o[0] != 0) + (o[1] != 0) + (o[2] != 0) > 1)
              continue;
            int64_t p[3];
            bool inside = true;
            for (int axis = 0; axis < 3; ++axis) {
              p[axis] = at[axis] + o[axis];
              if (padding == Padding::kReplicate)
                p[axis] = BorderIndex(p[axis], size[axis], WindowBorder::kReplicate);
              if (padding == Padding::kReflect101)
                p[axis] = BorderIndex(p[axis], size[axis], WindowBorder::kReflect101);
              inside &= p[axis] >= 0 && p[axis] < size[axis];
            }
            if (!inside && padding == Padding::kNeutral) continue;
            const bool set = inside ? in[n * pixels + (p[0] * size[1] + p[1]) * size[2] + p[2]] != 0
                                    : padding == Padding::kOne;
            any |= set;
            all &= set;
          }
      out[n * pixels + i] = dilate ? any : all;
    }
  return out;
}

inline Image MorphologyTwin(const Image& mask, const Grid& grid, const MorphologyOptions& options,
                            Padding padding) {
  const auto repeat = [&](Image image, bool dilate) {
    for (int64_t i = 0; i < options.iterations; ++i) image = Extremum(image, grid, options, padding, dilate);
    return image;
  };
  const auto minus = [](const Image& a, const Image& b) {
    Image out(a.size());
    for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] != 0 && b[i] == 0;
    return out;
  };
  switch (options.op) {
    case MorphologyOp::kErosion:
      return repeat(mask, false);
    case MorphologyOp::kDilation:
      return repeat(mask, true);
    case MorphologyOp::kOpening:
      return repeat(repeat(mask, false), true);
    case MorphologyOp::kClosing:
      return repeat(repeat(mask, true), false);
    case MorphologyOp::kGradient:
      return minus(repeat(mask, true), repeat(mask, false));
    case MorphologyOp::kInternalGradient:
      return minus(mask, repeat(mask, false));
    case MorphologyOp::kExternalGradient:
      return minus(repeat(mask, true), mask);
  }
  return {};
}

// Makes a mask with `density` in per cent; 1 means a single pixel.
inline Image Mask(const Grid& grid, int density, unsigned seed) {
  std::mt19937 random(seed);
  Image mask(grid.Count());
  if (density == 1) {
    mask[random() % mask.size()] = 255;
    return mask;
  }
  for (uint8_t& pixel : mask) pixel = static_cast<int>(random() % 100) < density ? 1 + random() % 255 : 0;
  return mask;
}

}  // namespace pixelcal::test
