// All that signed-distance calibration needs of the labels (formulas in signed_distance.h and soft_labels.h),
// one kernel after the other; the CUDA twin uploads the labels once. O(classes x pixels) beside the two
// kernels.
#include "soft_labels/label_targets.h"

#include "base/error.h"
#include "labels/bad_pixels.h"
#include "labels/label_codes.h"

namespace pixelcal::cpu {

void CheckTargets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
                  const LabelTargets& out) {
  const int64_t classes = options.signed_distance.classes, count = grid.Count();
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(options.soft_labels.classes == classes, "classes: expected ", classes, " for both targets, got ",
          options.soft_labels.classes);
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(!options.soft_labels.ignore, "ignore: not supported here, got ",
          options.soft_labels.ignore.value_or(0));
  Require(!ReadsImage(options.soft_labels.aggregation), "aggregation: expected one that reads no image");
  for (const std::span<float> values : {out.one_hot, out.signed_distance, out.soft_labels})
    Require(values.empty() || std::ssize(values) == CheckedProduct(count, classes), "out: expected ",
            CheckedProduct(count, classes), " values, got ", values.size());
  if (!out.signed_distance.empty())
    CheckSignedDistance(labels, grid, options.signed_distance, out.signed_distance);
  if (!out.soft_labels.empty()) CheckSoftLabels(labels, {}, grid, options.soft_labels, out.soft_labels);
}

void Targets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
             const LabelTargets& out) {
  CheckTargets(labels, grid, options, out);
  if (!out.signed_distance.empty())
    SignedDistance(labels, grid, options.signed_distance, out.signed_distance);
  if (!out.soft_labels.empty()) SoftLabels(labels, {}, grid, options.soft_labels, out.soft_labels);
  if (out.one_hot.empty()) return;
  const int64_t pixels = grid.Pixels(), classes = options.signed_distance.classes;
  ForCodes(labels, grid.batch, pixels, classes, std::nullopt,
           [&](int64_t n, int64_t start, int64_t count, const int16_t* codes) {
             for (int64_t c = 0; c < classes; ++c) {
               const auto code = static_cast<int16_t>(c);
               float* to = out.one_hot.data() + (n * classes + c) * pixels + start;
               for (int64_t i = 0; i < count; ++i) to[i] = codes[i] == code ? 1.0f : 0.0f;
             }
           });
}

}  // namespace pixelcal::cpu
