#pragma once

// The selection of bin edges, shared by the CPU and a device; only the counting differs.

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/host_device.h"
#include "calibration/calibration.h"

namespace pixelcal::internal {

inline constexpr int kDigitBits = 10, kDigits = 3, kDigitValues = 1 << kDigitBits;

// The key of values that do not count: no float in [0, 1] has its first digit.
inline constexpr uint32_t kNoKey = (uint32_t{1} << kDigitBits * kDigits) - 1;

PIXELCAL_HOST_DEVICE inline uint32_t DigitOf(uint32_t key, int depth) {
  return key >> ((kDigits - 1 - depth) * kDigitBits) & (kDigitValues - 1);
}

// A node, the keys of one prefix in one group: the number of keys per next digit, and the nodes of the digits
// that matter. Other digits lead to node 0, which leads to itself; group g starts at node 1 + g, and the
// nodes of one depth are in the order of their groups.
struct DigitNode {
  std::array<int64_t, kDigitValues> count{};
  std::array<int32_t, kDigitValues> next{};
  int64_t group = 0;
};

// A function that adds the counts of the nodes from `first` to the last, which are `depth` digits deep.
using DigitCounter = std::function<void(std::vector<DigitNode>& nodes, int depth, int64_t first)>;

// Throws for arguments of EqualMassEdges that do not fit.
void CheckEqualMass(const ProbabilityMaps& maps, const CalibrationOptions& options,
                    std::span<const double> edges);

// Computes the edges from the keys that `count` counts: the bits of the counted floats of each group, or
// kNoKey.
void SelectEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, const DigitCounter& count,
                 std::span<double> edges);

}  // namespace pixelcal::internal
