#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/shape.h"
#include "base/span.h"

namespace pixelcal {

struct RingTargetOptions {
  int64_t classes = 2;
  double inner = 0.9;                            // of a class's pixels that have a neighbour of another
  double outer = 0.1;                            // of the pixels of others that have a neighbour of the class
  std::optional<int64_t> ignore = std::nullopt;  // in no class, nobody's neighbour, all-zero target
};

namespace cpu {

// Writes targets [N, classes, ...spatial] that are softened where classes meet: 1 for a pixel's class if its
// 3^d window has no other, else `inner`, and `outer` for the others in its window, divided by their sum.
void RingTargets(const LabelSpan& labels, const Grid& grid, const RingTargetOptions& options,
                 std::span<float> out);

// Writes 1 for each pixel of soft labels [N, classes, pixels] of which no class has more than `limit`, 0 for
// the others, as [N, pixels].
void MixedPixels(std::span<const float> soft, int64_t batch, int64_t classes, double limit,
                 std::span<float> out);

}  // namespace cpu
}  // namespace pixelcal
