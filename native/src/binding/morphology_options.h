#pragma once

#include "arguments.h"
#include "morphology/morphology.h"

namespace pixelcal {

// Reads the options `op`, `structure`, `radius`, `iterations` and `border` of a call; all but `op` may be
// absent.
MorphologyOptions ReadMorphology(const Arguments& arguments);

}  // namespace pixelcal
