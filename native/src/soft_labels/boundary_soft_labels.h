#pragma once

#include <array>
#include <optional>
#include <span>

#include "base/shape.h"
#include "base/span.h"

namespace pixelcal {

struct BoundarySoftLabelOptions {
  int64_t classes = 2;
  std::array<double, 3> spacing{1, 1, 1};
  double scale = 0.35;  // of the smallest spacing; 0 gives one-hot labels
  double floor = 0;     // share of the uniform distribution in every target, from 0 to below 1
  std::optional<int64_t> ignore =
      std::nullopt;  // pixels with this label are in no class and have an all-zero target
};

// Throws std::invalid_argument unless the sizes and options fit one another; does not read the labels.
void CheckBoundarySoftLabels(const LabelSpan& labels, const Grid& grid,
                             const BoundarySoftLabelOptions& options, std::span<const float> out);

namespace cpu {

// Soft targets [N, classes, ...spatial] from signed distances s_c to every class, positive outside, in which
// the border lies half the smallest spacing h before the nearest pixel of the other side:
// s'_c = sign(s_c) max(|s_c| - h / 2, h / 2), t = softmax_c(-s'_c / (2 scale h)), which for two classes is
// the sigmoid of -s' / (scale h), and the target is (1 - floor) t + floor / classes. Classes that the image
// lacks have t = 0. Ignored pixels are no border: a distance ends at the nearest pixel of a class, past any
// of them.
void BoundarySoftLabels(const LabelSpan& labels, const Grid& grid, const BoundarySoftLabelOptions& options,
                        std::span<float> out);

}  // namespace cpu

namespace cuda {

void BoundarySoftLabels(const LabelSpan& labels, const Grid& grid, const BoundarySoftLabelOptions& options,
                        std::span<float> out);

}  // namespace cuda

namespace internal {

// The numbers that turn distances into targets, in float32: t of the own class is 1 / sum, of another class
// exp(-x) / sum with x = rate * (s'_c - s'_own).
struct BoundaryFade {
  float half;   // h / 2
  float rate;   // 1 / (2 scale h), infinite for scale 0
  float keep;   // 1 - floor
  float floor;  // floor / classes
};
BoundaryFade FadeOf(const BoundarySoftLabelOptions& options, int rank);

// The x from which exp(-x) counts as 0.
inline constexpr float kFadedOut = 87;

}  // namespace internal
}  // namespace pixelcal
