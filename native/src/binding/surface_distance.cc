#include "binding/bindings.h"

namespace pixelcal {

std::span<const Entry> SurfaceDistanceBindings() { return {}; }

}  // namespace pixelcal
