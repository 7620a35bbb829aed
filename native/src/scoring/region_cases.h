#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/span.h"

namespace pixelcal {

// One image with regions that may overlap.
struct RegionMaps {
  FloatSpan values;  // [channels, pixels]
  LabelSpan labels;  // [pixels], of any numbers
  int64_t channels = 1, pixels = 1;
  std::optional<int64_t> ignore;
  std::vector<std::vector<int64_t>> sums;     // the channels that each region adds up
  std::vector<std::vector<int64_t>> members;  // the labels of each region
};

// The label of ignored pixels in the masks of regions.
inline constexpr uint8_t kIgnoredInRegion = 255;

namespace cpu {

// Writes each region as a case of two classes: probs [region, 2, pixels] are 1 - p and p, the sum of its
// channels in float32, in their order; sums from 1 to below 1.00001, which rounding makes, are 1. Labels
// [region, pixels] are 1 inside, 0 outside and kIgnoredInRegion. No value is checked.
void RegionCases(const RegionMaps& maps, std::span<float> probs, std::span<uint8_t> labels);

// Writes the masks [region, pixel] of regions, each a list of labels, as RegionCases does.
void RegionMasks(const LabelSpan& labels, const std::optional<int64_t>& ignore,
                 std::span<const std::vector<int64_t>> members, std::span<uint8_t> masks);

}  // namespace cpu
}  // namespace pixelcal
