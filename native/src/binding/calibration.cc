#include "binding/bindings.h"

namespace pixelcal {

std::span<const Entry> CalibrationBindings() { return {}; }

}  // namespace pixelcal
