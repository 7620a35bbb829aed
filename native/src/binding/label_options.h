#pragma once

#include "binding/arguments.h"
#include "kernels/neighborhood.h"
#include "kernels/signed_distance.h"

namespace pixelcal {

// The options of signedDistance and softLabels, which targets takes too; no name means two things.
SignedDistanceOptions ReadSignedDistance(const Arguments& arguments, const Grid& grid);
SoftLabelOptions ReadSoftLabels(const Arguments& arguments, const Grid& grid);

}  // namespace pixelcal
