// What the signed-distance calibration loss needs of the labels (formulas in signed_distance.h and
// neighborhood.h), one kernel after the other; the CUDA twin uploads the labels once. O(classes x pixels)
// beside the two kernels.
#include "kernels/label_targets.h"

#include <cmath>

#include "error.h"
#include "kernels/pixel.h"
#include "parallel.h"

namespace pixelcal::cpu {

void CheckTargets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
                  const LabelTargets& out) {
  const int64_t classes = options.signed_distance.classes, count = grid.Count();
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(options.soft_labels.classes == classes, "classes: expected ", classes, " for both targets, got ",
          options.soft_labels.classes);
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(!options.soft_labels.ignore, "ignore: expected none");
  Require(!ReadsImage(options.soft_labels.aggregation), "aggregation: expected one that reads no image");
  const double truncate = options.signed_distance.truncate;
  Require(
      options.signed_distance.normalize != Normalize::kTruncate || (truncate > 0 && std::isfinite(truncate)),
      "truncate: expected a positive number, got ", truncate);
  for (const std::span<float> values : {out.one_hot, out.signed_distance, out.soft_labels})
    Require(values.empty() || std::ssize(values) == CheckedProduct(count, classes), "out: expected ",
            count * classes, " values, got ", values.size());
  if (!out.soft_labels.empty()) CheckSoftLabels(labels, {}, grid, options.soft_labels, out.soft_labels);
}

void Targets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
             const LabelTargets& out) {
  constexpr int64_t kGrain = 1 << 14;
  CheckTargets(labels, grid, options, out);
  if (!out.signed_distance.empty())
    SignedDistance(labels, grid, options.signed_distance, out.signed_distance);
  if (!out.soft_labels.empty()) SoftLabels(labels, {}, grid, options.soft_labels, out.soft_labels);
  if (out.one_hot.empty()) return;
  const int64_t pixels = grid.Pixels(), classes = options.signed_distance.classes;
  BadPixels bad;
  std::visit(
      [&](auto span) {
        ParallelFor(std::ssize(out.one_hot), kGrain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t plane = i / pixels, at = plane / classes * pixels + i % pixels;
            const auto label = static_cast<int64_t>(span[static_cast<size_t>(at)]);
            if (plane % classes == 0 && (label < 0 || label >= classes)) bad.Add(at);
            out.one_hot[static_cast<size_t>(i)] = label == plane % classes ? 1.0f : 0.0f;
          }
        });
        if (bad.count > 0)
          RejectLabels("labels", bad, static_cast<int64_t>(span[static_cast<size_t>(bad.first)]), classes);
      },
      labels);
}

}  // namespace pixelcal::cpu
