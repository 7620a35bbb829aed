#include "binding/bindings.h"

namespace pixelcal {

std::span<const Entry> MorphologyBindings() { return {}; }

}  // namespace pixelcal
