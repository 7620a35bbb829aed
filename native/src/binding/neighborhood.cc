#include "binding/bindings.h"

namespace pixelcal {

std::span<const Entry> NeighborhoodBindings() { return {}; }

}  // namespace pixelcal
