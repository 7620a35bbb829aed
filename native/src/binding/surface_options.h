#pragma once

#include <optional>

#include "binding/arguments.h"
#include "surface/surface_distance.h"

namespace pixelcal {

// Reads the options of surface distances but the tolerance of nsd.
SurfaceOptions ReadSurface(const Arguments& arguments, const Grid& grid);

// Returns measures as an array of objects.
Napi::Value MeasuresValue(Napi::Env env, std::span<const SurfaceMeasures> measures);
// Reads `regions` and, where it is a list, `tolerance`.
SurfaceRegions ReadRegions(const Arguments& arguments, int64_t classes, std::optional<int64_t> ignore);

}  // namespace pixelcal
