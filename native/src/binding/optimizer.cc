#include "binding/bindings.h"

namespace pixelcal {

std::span<const Entry> OptimizerBindings() { return {}; }

}  // namespace pixelcal
