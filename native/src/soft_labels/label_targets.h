#pragma once

#include <span>

#include "distance/signed_distance.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal {

// The targets of label maps [batch, size...], each [batch, classes, size...]; an empty span is not computed.
struct LabelTargets {
  std::span<float> one_hot;
  std::span<float> signed_distance;
  std::span<float> soft_labels;
};

struct LabelTargetOptions {
  SignedDistanceOptions signed_distance;
  SoftLabelOptions
      soft_labels;  // with the same number of classes, without `ignore`, and not weighted by an image
};

namespace cpu {

// Computes all that signed-distance calibration needs of the labels: SignedDistance and SoftLabels in one
// call.
void Targets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
             const LabelTargets& out);

// Throws for options of the two that do not fit together.
void CheckTargets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
                  const LabelTargets& out);

}  // namespace cpu

namespace cuda {

// Does the same as cpu::, with one upload of the labels.
void Targets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
             const LabelTargets& out);

}  // namespace cuda
}  // namespace pixelcal
