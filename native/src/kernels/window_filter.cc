// A separable filter of 0/1 masks, one output row at a time: the rows the window covers are added with their
// weights into an accumulator, which is then filtered along the row. O(k^(d-1) + k) vector operations per
// pixel, one read of the mask rows (they stay in cache between neighbouring rows) and one write of the
// output.
#include "kernels/window_filter.h"

#include <algorithm>
#include <vector>

#include "error.h"
#include "parallel.h"
#include "targets.h"

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

constexpr int64_t kChunkPixels = 16 << 10;

PIXELCAL_TARGETS void AddMask(const uint8_t* mask, float weight, int64_t count, float* __restrict sum) {
  for (int64_t i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(mask[i]);
}

// out = centre * own + sum_t taps[t] * row[t .. t + count)
PIXELCAL_TARGETS void FilterLine(const float* row, std::span<const float> taps, const uint8_t* own,
                                 float centre, int64_t count, float* __restrict out) {
  if (taps.size() == 3) {
    for (int64_t i = 0; i < count; ++i)
      out[i] = centre * static_cast<float>(own[i]) + taps[0] * row[i] + taps[1] * row[i + 1] +
               taps[2] * row[i + 2];
    return;
  }
  for (int64_t i = 0; i < count; ++i) out[i] = centre * static_cast<float>(own[i]);
  for (const float tap : taps) {
    for (int64_t i = 0; i < count; ++i) out[i] += tap * row[i];
    ++row;
  }
}

struct RowFilter {
  std::array<int64_t, 3> size;    // depth, height, width
  std::array<int64_t, 3> radius;  // 0 along an axis the window does not span
  const Window& window;
  WindowBorder border;
  std::vector<float> line;  // the accumulated row, padded by the radius on both sides

  RowFilter(const std::array<int64_t, 3>& size, const Window& window, WindowBorder border)
      : size(size), window(window), border(border), line(size[2] + 2 * window.Radius()) {
    for (int axis = 0; axis < 3; ++axis) radius[axis] = axis >= 3 - window.dimensions ? window.Radius() : 0;
  }

  float Tap(int axis, int64_t offset) const {
    return radius[axis] > 0 ? window.taps[offset + radius[axis]] : Lone(axis);
  }
  // A window of one tap still weighs along the axes it spans.
  float Lone(int axis) const { return axis >= 3 - window.dimensions ? window.taps[window.Radius()] : 1.0f; }

  void Run(const uint8_t* mask, int64_t z, int64_t y, float outside, float* out) {
    const int64_t width = size[2], pad = radius[2];
    float* row = line.data() + pad;
    std::fill_n(row, width, 0.0f);
    float beyond = 0;      // weight of the rows outside the image
    float row_weight = 0;  // weight of a column of rows
    for (int64_t dz = -radius[0]; dz <= radius[0]; ++dz) {
      for (int64_t dy = -radius[1]; dy <= radius[1]; ++dy) {
        const float weight = window.scale * Tap(0, dz) * Tap(1, dy);
        row_weight += weight;
        const int64_t sz = BorderIndex(z + dz, size[0], border), sy = BorderIndex(y + dy, size[1], border);
        if (sz < 0 || sy < 0) {
          beyond += weight * outside;
          continue;
        }
        AddMask(mask + (sz * size[1] + sy) * width, weight, width, row);
      }
    }
    if (beyond > 0)
      for (int64_t x = 0; x < width; ++x) row[x] += beyond;
    for (int64_t x = 1; x <= pad; ++x) {
      const int64_t left = BorderIndex(-x, width, border), right = BorderIndex(width - 1 + x, width, border);
      row[-x] = left < 0 ? row_weight * outside : row[left];
      row[width - 1 + x] = right < 0 ? row_weight * outside : row[right];
    }
    FilterLine(line.data(), window.taps, mask + (z * size[1] + y) * width, window.centre, width, out);
  }
};

}  // namespace

void FilterMasks(std::span<const uint8_t> masks, const Grid& grid, int64_t planes, const Window& window,
                 WindowBorder border, std::span<float> out) {
  const std::array<int64_t, 3> size = grid.DepthHeightWidth();
  const int64_t pixels = grid.Pixels(), rows = size[0] * size[1];
  Require(std::ssize(masks) == grid.batch * planes * pixels, "masks: expected ", grid.batch * planes * pixels,
          " pixels, got ", masks.size());
  Require(masks.size() == out.size(), "out: expected ", masks.size(), " pixels, got ", out.size());
  ParallelFor(grid.batch * planes * rows, std::max<int64_t>(1, kChunkPixels / size[2]),
              [&](int64_t begin, int64_t end) {
                RowFilter filter(size, window, border);
                for (int64_t item = begin; item < end; ++item) {
                  const int64_t plane = item / rows, row = item % rows;
                  const bool background = border == WindowBorder::kBackground && plane % planes == 0;
                  filter.Run(masks.data() + plane * pixels, row / size[1], row % size[1],
                             background ? 1.0f : 0.0f, out.data() + plane * pixels + row * size[2]);
                }
              });
}

}  // namespace cpu
}  // namespace pixelcal
