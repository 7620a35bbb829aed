#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/shape.h"
#include "base/span.h"
#include "morphology/morphology.h"
#include "soft_labels/window_filter.h"

namespace pixelcal {

// The rule that turns the class masks M_c in the window around pixel i into its target t_c.
enum class Aggregation {
  kWeighted,  // sum_j w_j M_c(j), w = scale * taps + centre
  // One-hot of a class index among the window's pixels (NACL's max, min, median and mode).
  kLargest,
  kSmallest,
  kMedian,  // the lower one of an even count
  kMode,    // ties: the smallest index
  // Each class by itself: any, all, or at least half of the window's pixels set (dilation, erosion and
  // majority).
  kAny,
  kAll,
  kMajority,
  // Weighted by the image I, e_j = |I_j - I_i|, over k^d taps; outside is I = 0, class 0.
  kGradient,   // 1/k^d sum_j e_j M_c(j)
  kBilateral,  // 1/k^d sum_j e_j taps_j M_c(j)
  kImageL1,    // sum_j w_j M_c(j), w = softmax(-e)
  kImageL2,    // the same, w = softmax(-e^2)
};

inline bool ReadsImage(Aggregation aggregation) {
  return aggregation == Aggregation::kGradient || aggregation == Aggregation::kBilateral ||
         aggregation == Aggregation::kImageL1 || aggregation == Aggregation::kImageL2;
}

enum class Normalization {
  kWindow,   // by the window's total weight, less the weight of ignored pixels; an ignored pixel's own target
             // is 0
  kClasses,  // divide by max(sum_c t_c, 1e-6); ignored pixels only lack a class
  kLabels,   // divide by sum_c t_c; where that is 0 the pixel keeps its hard label; ignored pixels as in
             // kWindow
};

struct SoftLabelOptions {
  int64_t classes = 2;
  Aggregation aggregation = Aggregation::kWeighted;
  std::vector<float> taps{1.0f, 1.0f, 1.0f};
  float scale = 1, centre = 0, divisor = 1;
  int dimensions = 1;  // trailing axes the window and the morphology span; the others are slices
  WindowBorder window_border = WindowBorder::kReplicate;
  Normalization normalization = Normalization::kWindow;
  std::optional<MorphologyOptions> morphology;  // of every class mask, before aggregation
  // Whether to aggregate the unchanged masks and keep the hard label outside the band: the pixels where a
  // gradient operation is set for any class, or where any other operation changes any class's mask.
  bool band = false;
  std::optional<int64_t> ignore;
};

namespace cpu {

// Throws for arguments of SoftLabels whose sizes or options do not fit; does not read values.
void CheckSoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                     const SoftLabelOptions& options, std::span<const float> out);

// Computes soft targets of label maps [batch, size...]: out [batch, classes, size...]. Only the four image
// aggregations read `image` [batch, size...]; it may be empty otherwise.
void SoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                const SoftLabelOptions& options, std::span<float> out);

}  // namespace cpu

namespace cuda {

void SoftLabels(const LabelSpan& labels, std::span<const float> image, const Grid& grid,
                const SoftLabelOptions& options, std::span<float> out);

}  // namespace cuda
}  // namespace pixelcal
