#pragma once

#include <cstdint>
#include <span>

#include "base/span.h"
#include "components/components.h"
#include "components/runs.h"

namespace pixelcal::cpu {

// Adds the region's probability, the sum over the classes of `set`, to predicted lesions and to the table's
// bins, which are right-closed and of equal width with 0 in the first. The maps of the image start at
// probs[at], one of `pixels` per class.
void AddConfidence(const internal::ComponentRuns& of, const internal::ComponentRuns& truth,
                   const FloatSpan& probs, int64_t at, int64_t pixels, std::span<const int64_t> set,
                   int64_t bins, LesionTable& table);

}  // namespace pixelcal::cpu
