#pragma once

#include <optional>
#include <span>

#include "base/shape.h"
#include "base/span.h"
#include "distance/distance.h"
#include "distance/signed_distance.h"

namespace pixelcal {

// The form of the levels.
enum class LevelForm {
  kDistances,    // nothing
  kBorder,       // inside moved by the smallest spacing, so that the innermost pixels of the border have 0; a
                 // class without a border has 0 everywhere
  kScaledBorder  // kBorder, with either side divided by its largest
};

struct BorderLevelOptions {
  SignedDistanceOptions distances;
  LevelForm form = LevelForm::kBorder;
  std::optional<int64_t> ignore = std::nullopt;  // these pixels are a class of their own, without a map
};

// The function that measures, on the CPU or a device.
using SignedDistanceFunction = void (*)(const LabelSpan& labels, const Grid& grid,
                                        const SignedDistanceOptions& options, std::span<float> out);
using DistanceFunction = void (*)(std::span<const uint8_t> mask, const Grid& grid,
                                  const DistanceOptions& options, std::span<float> out);

namespace cpu {

// Computes levels of signed distances to every class, [N, classes, ...spatial].
void BorderLevels(const LabelSpan& labels, const Grid& grid, const BorderLevelOptions& options,
                  std::span<float> out, SignedDistanceFunction distances = SignedDistance);

// Computes the distance of every pixel to the border of every class, [N, classes, ...spatial], in pixels: to
// the nearest pixel of the class from outside, to the nearest of another from inside, 0 everywhere for a
// class without a border. Pixels with the label `ignore` are in no class and have 0.
void BorderDistances(const LabelSpan& labels, const Grid& grid, int64_t classes,
                     std::optional<int64_t> ignore, std::span<float> out,
                     DistanceFunction distances = DistanceTransform);

}  // namespace cpu
}  // namespace pixelcal
