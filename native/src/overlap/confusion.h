#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "base/span.h"

namespace pixelcal {

// A span of classes; uint8_t holds up to 256.
using ClassSpan = std::variant<std::span<uint8_t>, std::span<int32_t>>;

namespace cpu {

// Computes the class of the largest of `values` [batch, classes, pixels] at every pixel, the first of equals;
// NaN is an error.
void ArgMax(const FloatSpan& values, int64_t batch, int64_t classes, int64_t pixels, const ClassSpan& out);

// Counts pixels per image, true class and predicted class: counts [batch, classes, classes]. Pixels whose
// label is `ignore` or whose `mask` (empty, or one value per pixel) is 0 are left out.
void ConfusionCounts(const LabelSpan& predicted, const LabelSpan& labels, int64_t batch, int64_t classes,
                     int64_t pixels, std::optional<int64_t> ignore, std::span<const uint8_t> mask,
                     std::span<double> counts);

}  // namespace cpu

namespace cuda {

void ArgMax(const FloatSpan& values, int64_t batch, int64_t classes, int64_t pixels, const ClassSpan& out);
void ConfusionCounts(const LabelSpan& predicted, const LabelSpan& labels, int64_t batch, int64_t classes,
                     int64_t pixels, std::optional<int64_t> ignore, std::span<const uint8_t> mask,
                     std::span<double> counts);

}  // namespace cuda
}  // namespace pixelcal
