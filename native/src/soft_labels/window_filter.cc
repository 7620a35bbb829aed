// Windows over class masks, one row at a time: the rows of the window are added up, then filtered along the
// row. O(k^(d-1) + k) vector operations per pixel, on bytes for counted windows, else on floats.
#include "soft_labels/window_filter.h"

#include <algorithm>

#include "base/scratch.h"
#include "soft_labels/class_rows.h"
#include "soft_labels/soft_labels_loops.h"

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

constexpr int64_t kVectorSlack = 64;

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

void CountWindows(const SelectedRows& rows, const Window& window, const CountedWindow& counted, int bits,
                  int64_t stride, uint8_t* out) {
  const auto& loops = SoftLabelLoops();
  const int64_t radius = window.Radius(), before = radius + 1, line_size = stride + 2 * before + kVectorSlack;
  const int64_t rz = window.dimensions > 2 ? radius : 0, ry = window.dimensions > 1 ? radius : 0;
  const bool uniform = counted.levels == 1;
  // Line q counts the rows beside the middle one along q axes; a uniform window has one line.
  const size_t line_count = uniform ? 1 : counted.levels - 1;
  uint8_t* lines = Scratch<uint8_t, struct CountLines>(3 * line_size) + before;
  std::array<std::array<const uint8_t*, 255>, 3> from;
  std::array<size_t, 3> moves{};
  for (int64_t dz = -rz; dz <= rz; ++dz)
    for (int64_t dy = -ry; dy <= ry; ++dy) {
      const size_t q = uniform ? 0 : (dz != 0) + (dy != 0);
      from[q][moves[q]++] = rows.Moved(dz, dy);
    }
  for (int bit = 0; bit < bits;) {
    const bool pair = bit + 1 < bits && counted.most < 16;
    for (size_t q = 0; q < line_count; ++q)
      loops.sum_bits(from[q].data(), moves[q], bit, pair, stride, lines + q * line_size);
    for (size_t level = 0; level < counted.levels; ++level) {
      uint8_t* to = out + (bit * counted.levels + level) * stride;
      uint8_t* second = pair ? to + counted.levels * stride : nullptr;
      const uint8_t* middle = level < line_count ? lines + level * line_size : nullptr;
      if (uniform)
        loops.sum_line(middle - radius, window.taps.size(), stride, to, second);
      else
        loops.sum_level(middle, level > 0 ? lines + (level - 1) * line_size : nullptr, stride, to, second);
    }
    bit += pair ? 2 : 1;
  }
}

void FilterRow(const SelectedRows& rows, const TileLayout& layout, const Window& window, int bit, int64_t row,
               float* out) {
  const auto& loops = SoftLabelLoops();
  const int64_t radius = window.Radius(), padded = layout.width + 2 * radius, at = layout.At(row);
  float* line = Scratch<float, struct FilterLine>(padded);
  std::fill_n(line, padded, 0.0f);
  // A window of one tap still has weights along the axes it spans.
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
