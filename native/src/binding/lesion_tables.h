#pragma once

#include <napi.h>

#include <array>
#include <vector>

#include "components/components.h"

namespace pixelcal {

// Returns the definition of distances between lesions, that of the package surface-distance.
inline SurfaceOptions TouchingSurfaces(const std::array<double, 3>& spacing) {
  SurfaceOptions options;
  options.convention = SurfaceConvention::kDeepMind;
  options.spacing = spacing;
  return options;
}

// Returns tables as an array of objects.
Napi::Value LesionTablesValue(Napi::Env env, const std::vector<LesionTable>& tables);

}  // namespace pixelcal
