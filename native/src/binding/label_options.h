#pragma once

#include "binding/arguments.h"
#include "distance/signed_distance.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal {

// The options of signedDistance and softLabels, which targets takes too; no name means two things.
SignedDistanceOptions ReadSignedDistance(const Arguments& arguments, const Grid& grid);
SoftLabelOptions ReadSoftLabels(const Arguments& arguments, const Grid& grid);

}  // namespace pixelcal
