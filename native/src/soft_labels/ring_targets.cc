// Row by row, by looking at every pixel of each window: O(pixels x (3^d + classes)).
#include "soft_labels/ring_targets.h"

#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "labels/bad_pixels.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 4096;  // pixels

// Writes the targets of one pixel, whose windows' labels but `ignore` are `seen`, without repetition.
void WriteTargets(std::span<int64_t> seen, int64_t own, const RingTargetOptions& options, int64_t pixels,
                  float* out) {
  std::sort(seen.begin(), seen.end());
  const auto inner = static_cast<float>(seen.size() > 1 ? options.inner : 1.0);
  const auto outer = static_cast<float>(options.outer);
  float total = 0;
  for (const int64_t label : seen) total += label == own ? inner : outer;
  for (const int64_t label : seen) {
    const float target = label == own ? inner : outer;
    out[label * pixels] = total > 0 ? target / total : target;
  }
}

template <class T>
void WriteRow(const T* image, const std::array<int64_t, 3>& dhw, int64_t row,
              const RingTargetOptions& options, BadPixels& bad, int64_t first, float* out) {
  const auto [depth, height, width] = dhw;
  const int64_t z = row / height, y = row % height, pixels = depth * height * width;
  std::array<const T*, 9> rows;  // of the windows: this row and those beside it
  size_t count = 0;
  for (int64_t nz = std::max<int64_t>(z - 1, 0); nz <= std::min(z + 1, depth - 1); ++nz)
    for (int64_t ny = std::max<int64_t>(y - 1, 0); ny <= std::min(y + 1, height - 1); ++ny)
      rows[count++] = image + (nz * height + ny) * width;
  const T* own = image + row * width;
  std::array<int64_t, 27> seen;
  for (int64_t x = 0; x < width; ++x) {
    const auto label = static_cast<int64_t>(own[x]);
    if (options.ignore && label == *options.ignore) continue;
    if (label < 0 || label >= options.classes) {
      bad.Add(first + row * width + x);
      continue;
    }
    size_t found = 1;
    seen[0] = label;
    const int64_t end = std::min(x + 1, width - 1);
    for (size_t r = 0; r < count; ++r)
      for (int64_t nx = std::max<int64_t>(x - 1, 0); nx <= end; ++nx) {
        const auto other = static_cast<int64_t>(rows[r][nx]);
        if (other == label || (options.ignore && other == *options.ignore)) continue;
        if (other < 0 || other >= options.classes) continue;
        if (std::find(seen.begin(), seen.begin() + found, other) == seen.begin() + found)
          seen[found++] = other;
      }
    WriteTargets({seen.data(), found}, label, options, pixels, out + row * width + x);
  }
}

}  // namespace

void RingTargets(const LabelSpan& labels, const Grid& grid, const RingTargetOptions& options,
                 std::span<float> out) {
  const int64_t classes = options.classes, pixels = grid.Pixels();
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(Size(labels) == grid.Count(), "labels: expected ", grid.Count(), " elements, got ", Size(labels));
  Require(std::ssize(out) == CheckedProduct(grid.Count(), classes), "out: expected ",
          CheckedProduct(grid.Count(), classes), " elements, got ", out.size());
  const std::array<int64_t, 3> dhw = grid.DepthHeightWidth();
  const int64_t rows = dhw[0] * dhw[1], width = dhw[2];
  std::visit(
      [&](auto span) {
        BadPixels bad;
        ParallelFor(grid.batch * rows, std::max<int64_t>(1, kBlock / width), [&](int64_t begin, int64_t end) {
          for (int64_t item = begin; item < end; ++item) {
            const int64_t image = item / rows, row = item % rows;
            float* maps = out.data() + image * classes * pixels;
            for (int64_t c = 0; c < classes; ++c) std::fill_n(maps + c * pixels + row * width, width, 0.0f);
            WriteRow(span.data() + image * pixels, dhw, row, options, bad, image * pixels, maps);
          }
        });
        if (bad.count > 0) RejectLabels("labels", bad, static_cast<int64_t>(span[bad.first]), classes);
      },
      labels);
}

void MixedPixels(std::span<const float> soft, int64_t batch, int64_t classes, double limit,
                 std::span<float> out) {
  Require(batch >= 1 && classes >= 1, "size: expected at least 1, got ", batch, " x ", classes);
  Require(std::ssize(soft) == CheckedProduct(std::ssize(out), classes), "soft: expected ",
          CheckedProduct(std::ssize(out), classes), " elements, got ", soft.size());
  Require(std::ssize(out) % batch == 0, "out: expected a multiple of ", batch, " elements, got ", out.size());
  const int64_t pixels = std::ssize(out) / batch;
  if (pixels == 0) return;
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  ParallelFor(batch * blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t image = block / blocks, from = block % blocks * kBlock;
      const int64_t count = std::min(kBlock, pixels - from);
      float* to = out.data() + image * pixels + from;
      std::fill_n(to, count, 1.0f);
      for (int64_t c = 0; c < classes; ++c) {
        const float* values = soft.data() + (image * classes + c) * pixels + from;
        for (int64_t i = 0; i < count; ++i) to[i] = static_cast<double>(values[i]) > limit ? 0.0f : to[i];
      }
    }
  });
}

}  // namespace pixelcal::cpu
