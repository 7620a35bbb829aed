#pragma once

// The segments whose boundaries part the rings of boundary calibration, and the distances to them.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/shape.h"
#include "base/span.h"
#include "calibration/boundary_calibration.h"
#include "calibration/probability_block.h"
#include "distance/class_distances.h"

namespace pixelcal::cpu {

// The segment of every pixel, of which `Segment` can hold all and one more, for left-out pixels.
template <class Segment>
class SegmentDistances {
 public:
  // With `winners`, the arg-max of every pixel, the probabilities are not read; winners may be used as long
  // as this lives.
  SegmentDistances(const ProbabilityMaps& maps, const Grid& grid, const BoundaryCalibrationOptions& options,
                   const std::optional<LabelSpan>& winners);

  int64_t count() const { return count_; }
  // Returns the segments of a block's pixels.
  const Segment* Of(const ProbabilityBlock& block) const { return segments_ + block.at; }
  // Returns the distances of a block's pixels to segment s, or null if the image has no pixel of it, or no
  // other. They are infinite beyond all rings.
  const float* To(int64_t s, const ProbabilityBlock& block) const {
    const int64_t map = block.image * count_ + s;
    const bool part = extents_[static_cast<size_t>(map)] == internal::Extent::kPart;
    return part ? distances_.get() + map * pixels_ + block.at - block.image * pixels_ : nullptr;
  }

 private:
  const int64_t count_, pixels_;
  // Not scratch, which a thread keeps: these are as large as the image.
  std::unique_ptr<Segment[]> memory_;
  const Segment* segments_ = nullptr;
  std::unique_ptr<float[]> distances_;
  std::vector<internal::Extent> extents_;
};

}  // namespace pixelcal::cpu
