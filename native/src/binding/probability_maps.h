#pragma once

#include <optional>

#include "binding/arguments.h"
#include "calibration/calibration.h"

namespace pixelcal {

std::optional<int64_t> OptionalInteger(const Arguments& arguments, const char* name);

// Reads probs, labels and the selection of pixels, and compares their lengths.
ProbabilityMaps ReadMaps(Arguments& arguments);
// Reads the same of maps with this many pixels per image.
ProbabilityMaps ReadMaps(Arguments& arguments, int64_t pixels_per_image);

// Read the options `of` and `closed`.
Score ReadScore(const Arguments& arguments);
BinEdges ReadClosed(const Arguments& arguments);

}  // namespace pixelcal
