#pragma once

#include "binding/arguments.h"
#include "distance/signed_distance.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal {

// Read the options of signedDistance and softLabels, which targets takes too; no name has two meanings.
SignedDistanceOptions ReadSignedDistance(const Arguments& arguments, const Grid& grid);
SoftLabelOptions ReadSoftLabels(const Arguments& arguments, const Grid& grid);

}  // namespace pixelcal
