#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/span.h"

namespace pixelcal::cpu {

// Writes one 0/1 mask per class: labels [batch, pixels] to masks [batch, classes, pixels], in one pass over
// the labels. Labels equal to `ignore` belong to no class. Throws for any other label outside [0, classes),
// naming the number of such pixels and the first.
void ClassMasks(const LabelSpan& labels, int64_t batch, int64_t pixels, int64_t classes,
                std::optional<int64_t> ignore, std::span<uint8_t> masks);

}  // namespace pixelcal::cpu
