#include "binding/bindings.h"

namespace pixelcal {

std::span<const Entry> SignedDistanceBindings() { return {}; }

}  // namespace pixelcal
