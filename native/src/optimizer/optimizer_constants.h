#pragma once

#include "optimizer/optimizer.h"
#include "optimizer/optimizer_loops.h"

namespace pixelcal {

// Returns the numbers that every update of the call uses, in float32; throws for bad arguments. Each
// parameter has its own decay.
simd::AdamwConstants CheckedConstants(std::span<const AdamwParameter> parameters,
                                      const AdamwOptions& options);
simd::SgdConstants CheckedConstants(std::span<const SgdParameter> parameters, const SgdOptions& options);

}  // namespace pixelcal
