// Windows over class masks, one row at a time: the rows the window covers are added up, then filtered along
// the row. O(k^(d-1) + k) vector operations a pixel, on bytes for windows that are counted, else on floats.
#include "kernels/window_filter.h"

#include <algorithm>

#include "kernels/class_rows.h"
#include "scratch.h"
#include "simd/soft_labels.h"

namespace pixelcal {

double Window::Total() const {
  double sum = 0, product = scale;
  for (const float tap : taps) sum += tap;
  for (int axis = 0; axis < dimensions; ++axis) product *= sum;
  return product + centre;
}

int64_t BorderIndex(int64_t i, int64_t size, WindowBorder border) {
  if (i >= 0 && i < size) return i;
  if (border == WindowBorder::kReplicate) return i < 0 ? 0 : size - 1;
  if (border != WindowBorder::kReflect101) return -1;
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  const int64_t phase = ((i % period) + period) % period;
  return phase < size ? phase : period - phase;
}

namespace cpu {
namespace {

enum Slot { kLines = 110, kFloatLine };

}  // namespace

std::optional<CountedWindow> CountedWindow::From(const Window& window) {
  const auto taps = window.taps;
  const auto power = [&](float base, int exponent) {
    double product = window.scale;
    for (int i = 0; i < exponent; ++i) product *= base;
    return product;
  };
  CountedWindow counted;
  if (window.centre == 0 &&
      std::all_of(taps.begin(), taps.end(), [&](float tap) { return tap == taps[0]; })) {
    counted.weights[0] = static_cast<float>(power(taps[0], window.dimensions));
    counted.most = 1;
    for (int axis = 0; axis < window.dimensions; ++axis) {
      counted.most *= std::ssize(taps);
      if (counted.most > 255) return std::nullopt;
    }
  } else if (taps.size() == 3 && taps[0] == taps[2]) {
    counted.levels = static_cast<size_t>(window.dimensions) + 1;
    counted.most = 12;  // the edges of a cube
    for (int level = 0; level <= window.dimensions; ++level) {
      double weight = power(taps[1], window.dimensions - level);
      for (int i = 0; i < level; ++i) weight *= taps[0];
      counted.weights[level] = static_cast<float>(level == 0 ? weight + window.centre : weight);
    }
  } else {
    return std::nullopt;
  }
  // A pixel that keeps its hard label is counted by the weight of the middle.
  return counted.weights[0] > 0 ? std::optional(counted) : std::nullopt;
}

void CountWindows(const SelectedRows& rows, const TileLayout& layout, const Window& window,
                  const CountedWindow& counted, int bit, int64_t stride, uint8_t* out) {
  const auto& loops = SoftLabelLoops();
  const int64_t radius = window.Radius(), count = layout.Count(), line_size = count + 2 * radius + 2;
  const int64_t rz = window.dimensions > 2 ? radius : 0, ry = window.dimensions > 1 ? radius : 0;
  uint8_t* lines = Scratch<uint8_t, kLines>(3 * line_size) + radius + 1;
  std::array<const uint8_t*, 255> from;
  if (counted.levels == 1) {
    size_t moves = 0;
    for (int64_t dz = -rz; dz <= rz; ++dz)
      for (int64_t dy = -ry; dy <= ry; ++dy) from[moves++] = rows.Moved(dz, dy);
    loops.sum_bits(from.data(), moves, bit, count, lines);
    loops.sum_line(lines - radius, window.taps.size(), count, out);
    return;
  }
  // Line q counts the rows that lie beside the middle one along q axes.
  const size_t line_count = counted.levels - 1;
  for (size_t q = 0; q < line_count; ++q) {
    size_t moves = 0;
    for (int64_t dz = -rz; dz <= rz; ++dz)
      for (int64_t dy = -ry; dy <= ry; ++dy)
        if (static_cast<size_t>((dz != 0) + (dy != 0)) == q) from[moves++] = rows.Moved(dz, dy);
    loops.sum_bits(from.data(), moves, bit, count, lines + q * line_size);
  }
  for (size_t level = 0; level < counted.levels; ++level) {
    const uint8_t* middle = level < line_count ? lines + level * line_size : nullptr;
    const uint8_t* sides = level > 0 ? lines + (level - 1) * line_size : nullptr;
    loops.sum_level(middle, sides, count, out + level * stride);
  }
}

void FilterRow(const SelectedRows& rows, const TileLayout& layout, const Window& window, int bit, int64_t row,
               float* out) {
  const auto& loops = SoftLabelLoops();
  const int64_t radius = window.Radius(), padded = layout.width + 2 * radius, at = layout.At(row);
  float* line = Scratch<float, kFloatLine>(padded);
  std::fill_n(line, padded, 0.0f);
  // A window of one tap still weighs along the axes it spans.
  const auto axis = [&](int of) { return window.dimensions >= of; };
  const int64_t rz = axis(3) ? radius : 0, ry = axis(2) ? radius : 0;
  for (int64_t dz = -rz; dz <= rz; ++dz)
    for (int64_t dy = -ry; dy <= ry; ++dy) {
      const float weight = window.scale * (axis(3) ? window.taps[dz + radius] : 1.0f) *
                           (axis(2) ? window.taps[dy + radius] : 1.0f);
      loops.add_bits(rows.Moved(dz, dy) + at - radius, bit, weight, padded, line);
    }
  loops.filter_line(line, window.taps.data(), window.taps.size(), rows.tile + at, bit, window.centre,
                    layout.width, out);
}

}  // namespace cpu
}  // namespace pixelcal
