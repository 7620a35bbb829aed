// Windows whose weights depend on the image: one output row at a time, source row by source row; the weight
// of a tap is computed once per pixel and shared by eight classes. O(k^d (1 + classes)) per pixel. Sums are
// taken within a source row first, which keeps their error far below that of a running sum.
#include "soft_labels/image_window.h"

#include <algorithm>

#include "base/scratch.h"
#include "soft_labels/image_window_loops.h"
#include "soft_labels/soft_labels_loops.h"

namespace pixelcal::cpu {
namespace {

simd::ImageWeight WeightOf(Aggregation aggregation) {
  return aggregation == Aggregation::kImageL1   ? simd::ImageWeight::kExpL1
         : aggregation == Aggregation::kImageL2 ? simd::ImageWeight::kExpL2
                                                : simd::ImageWeight::kDifference;
}

}  // namespace

void AggregateByImage(const ImageRow& row, const TileLayout& layout, const ClassRowsPlan& plan,
                      const SoftLabelOptions& options, float* out) {
  const auto& loops = ImageWindowLoops();
  const auto [depth, height, width] = plan.size;
  const int64_t radius = plan.radius, taps = 2 * radius + 1, padded = width + 2 * radius;
  const int64_t rz = plan.Radius(0), ry = plan.Radius(1), pixels = depth * height * width;
  float* line = Scratch<float, struct WindowLines>(padded * 3 + width * (taps + 2));
  float *counted = line + padded, *members = counted + padded, *weights = members + padded;
  float *row_total = weights + taps * width, *total = row_total + width;
  const auto tap = [&](int64_t offset) {
    return options.aggregation == Aggregation::kBilateral ? options.taps[offset + radius] : 1.0f;
  };
  const int64_t at = layout.At(row.row) - radius;
  const float* own = row.image + (row.z * height + row.y) * width;
  std::fill_n(total, width, 0.0f);
  for (int64_t j = 0; j < row.count; ++j) std::fill_n(out + j * pixels, width, 0.0f);
  for (int64_t dz = -rz; dz <= rz; ++dz) {
    for (int64_t dy = -ry; dy <= ry; ++dy) {
      const int64_t sz = row.z + dz, sy = row.y + dy;
      std::fill_n(line, padded, 0.0f);  // the image is 0 outside
      if (sz >= 0 && sz < depth && sy >= 0 && sy < height)
        std::copy_n(row.image + (sz * height + sy) * width, width, line + radius);
      std::fill_n(counted, padded, 1.0f);
      if (row.ignored) {
        loops.members(row.ignored->Moved(dz, dy) + at, 0, padded, counted);
        for (int64_t x = 0; x < padded; ++x) counted[x] = 1.0f - counted[x];
      }
      // A window of one tap still has weights along the axes it spans.
      const float across = (plan.Spans(0) ? tap(dz) : 1.0f) * (plan.Spans(1) ? tap(dy) : 1.0f);
      std::fill_n(row_total, width, 0.0f);
      for (int64_t dx = 0; dx < taps; ++dx)
        loops.weigh(WeightOf(options.aggregation), line + dx, own, counted + dx, across * tap(dx - radius),
                    width, weights + dx * width, row_total);
      SoftLabelLoops().add_floats(row_total, width, total);
      for (int64_t j = 0; j < row.count; ++j) {
        loops.members(row.classes.Moved(dz, dy) + at, static_cast<int>(j), padded, members);
        loops.add_products(weights, width, taps, members, width, out + j * pixels);
      }
    }
  }
  for (int64_t j = 0; j < row.count; ++j) SoftLabelLoops().divide_floats(total, width, out + j * pixels);
}

}  // namespace pixelcal::cpu
