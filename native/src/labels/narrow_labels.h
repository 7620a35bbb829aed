#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/span.h"

namespace pixelcal {

// Labels that are neither a class nor the ignored one: how many, the first and its value.
struct StrayLabels {
  int64_t count = 0, first = -1, value = 0;
};

namespace cpu {

// Looks for stray labels and writes the others as bytes, the ignored label as itself. An empty `out` is not
// written; else classes <= 256 and an ignored label is from 0 to 255.
StrayLabels NarrowLabels(const LabelSpan& labels, int64_t classes, std::optional<int64_t> ignore,
                         std::span<uint8_t> out);

}  // namespace cpu
}  // namespace pixelcal
