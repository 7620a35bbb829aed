#pragma once

#include "optimizer/optimizer.h"
#include "optimizer/optimizer_loops.h"

namespace pixelcal {

// Rejects bad arguments; the numbers every update of the call uses, in float32. The decay is each parameter's
// own.
simd::AdamwConstants CheckedConstants(std::span<const AdamwParameter> parameters,
                                      const AdamwOptions& options);
simd::SgdConstants CheckedConstants(std::span<const SgdParameter> parameters, const SgdOptions& options);

}  // namespace pixelcal
