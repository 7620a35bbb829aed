#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/shape.h"

namespace pixelcal {

// Another size of a grid, both covering the same length per axis; pixels beyond the ends are those at the
// ends, and nothing is smoothed before a reduction.
struct Resample {
  std::array<int64_t, 3> size{1, 1, 1};  // of the result, as Grid's
  // Pixels of the source that each pixel of the result is made of, per axis: 1 the nearest, 2 linear, 4
  // Catmull and Rom's cubic (R. Keys, "Cubic convolution interpolation for digital image processing", 1981, a
  // = -1/2).
  std::array<int, 3> taps{2, 2, 2};
};

// Throws std::invalid_argument unless the lengths fit and every axis has one of the taps up to `most`.
void CheckResample(const Resample& resample, const Grid& source, int most, int64_t elements, int64_t results);

namespace cpu {

// Resamples every plane of `image`, whose batch counts planes, axis by axis, first axis first, each rounded
// to float32. Where an axis is cubic, a plane stays within its least and largest value.
void ResampleImage(std::span<const float> image, const Grid& source, const Resample& resample,
                   std::span<float> out);

// Writes the label with the largest sum of the linear weights around each pixel, the smaller of equal ones:
// the argmax of one-hot labels, interpolated.
template <class Label>
void ResampleLabels(std::span<const Label> labels, const Grid& source, const Resample& resample,
                    std::span<Label> out);

}  // namespace cpu
}  // namespace pixelcal
