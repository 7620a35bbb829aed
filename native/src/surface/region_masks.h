#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/span.h"
#include "surface/surface.h"

namespace pixelcal {

// A region of an image's two label maps in packed rows (morphology/packed_mask.h), in scratch of this thread.
struct RegionMasks {
  const uint64_t *predicted, *labels;
  const uint64_t* ignored;  // null if the image has no ignored pixel
};

// Throws unless every label is a class or `ignore`, and every predicted label is a class unless the true
// label there is `ignore`.
void CheckLabelMaps(const LabelSpan& predicted, const LabelSpan& labels, int64_t count, int64_t classes,
                    std::optional<int64_t> ignore);

// Returns the masks of the classes in `set` in the image that starts at pixel `at` of checked maps. Ignored
// pixels are in neither mask.
RegionMasks PackRegion(const LabelSpan& predicted, const LabelSpan& labels, int64_t at, const Dhw& dhw,
                       std::span<const int64_t> set, int64_t classes, std::optional<int64_t> ignore);

}  // namespace pixelcal
