// Windows whose weights depend on the image: one output row at a time, tap by tap; the weight of a tap is
// computed once per pixel and shared by all classes. O(k^d (1 + classes)) per pixel.
#include "kernels/image_window.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.h"
#include "targets.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kChunkPixels = 4 << 10;

PIXELCAL_TARGETS void AddProducts(const double* weight, const float* member, int64_t count,
                                  double* __restrict sum) {
  for (int64_t i = 0; i < count; ++i) sum[i] += weight[i] * member[i];
}

class RowWindow {
 public:
  RowWindow(std::span<const uint8_t> masks, std::span<const uint8_t> ignored, std::span<const float> image,
            const Grid& grid, const SoftLabelOptions& options)
      : masks_(masks),
        ignored_(ignored),
        image_(image),
        options_(options),
        size_(grid.DepthHeightWidth()),
        pixels_(grid.Pixels()),
        radius_(std::ssize(options.taps) / 2),
        line_(size_[2] + 2 * radius_),
        counted_(line_.size()),
        members_(options.classes * line_.size()),
        weight_(size_[2]),
        total_(size_[2]),
        sums_(options.classes * size_[2]) {}

  void Run(int64_t n, int64_t z, int64_t y, float* out) {
    const int64_t width = size_[2];
    std::fill(total_.begin(), total_.end(), 0.0);
    std::fill(sums_.begin(), sums_.end(), 0.0);
    const int64_t rz = options_.dimensions >= 3 ? radius_ : 0, ry = options_.dimensions >= 2 ? radius_ : 0;
    for (int64_t dz = -rz; dz <= rz; ++dz) {
      for (int64_t dy = -ry; dy <= ry; ++dy) {
        const float tap = (rz ? Tap(dz) : Lone(3)) * (ry ? Tap(dy) : Lone(2));
        AddRow(n, z, y, z + dz, y + dy, tap);
      }
    }
    for (int64_t c = 0; c < options_.classes; ++c) {
      const double* sum = sums_.data() + c * width;
      float* target = out + c * pixels_;
      for (int64_t x = 0; x < width; ++x)
        target[x] = total_[x] > 0 ? static_cast<float>(sum[x] / total_[x]) : 0.0f;
    }
  }

 private:
  float Tap(int64_t offset) const {
    return options_.aggregation == Aggregation::kBilateral ? options_.taps[offset + radius_] : 1.0f;
  }
  // A window of one tap still weighs along the axes it spans.
  float Lone(int axis) const { return options_.dimensions >= axis && radius_ == 0 ? Tap(0) : 1.0f; }

  // Adds the taps of one source row; `total_` gets what the sums are divided by: the pixels counted, or their
  // weights.
  void AddRow(int64_t n, int64_t z, int64_t y, int64_t sz, int64_t sy, float tap) {
    const int64_t width = size_[2];
    const bool inside = sz >= 0 && sz < size_[0] && sy >= 0 && sy < size_[1];
    const int64_t source = inside ? (sz * size_[1] + sy) * width : 0;
    const float* own = image_.data() + n * pixels_ + (z * size_[1] + y) * width;
    std::fill(line_.begin(), line_.end(), 0.0f);
    std::fill(counted_.begin(), counted_.end(), 1.0f);
    if (inside) {
      std::copy_n(image_.data() + n * pixels_ + source, width, line_.data() + radius_);
      if (!ignored_.empty())
        for (int64_t x = 0; x < width; ++x)
          counted_[x + radius_] = ignored_[n * pixels_ + source + x] ? 0.0f : 1.0f;
    }
    for (int64_t c = 0; c < options_.classes; ++c) {
      float* member = members_.data() + c * std::ssize(line_);
      std::fill_n(member, line_.size(), c == 0 ? 1.0f : 0.0f);
      if (inside)
        std::copy_n(masks_.data() + (n * options_.classes + c) * pixels_ + source, width, member + radius_);
    }
    for (int64_t dx = 0; dx <= 2 * radius_; ++dx) {
      Weigh(own, dx, tap * Tap(dx - radius_));
      for (int64_t c = 0; c < options_.classes; ++c)
        AddProducts(weight_.data(), members_.data() + c * std::ssize(line_) + dx, width,
                    sums_.data() + c * width);
    }
  }

  void Weigh(const float* own, int64_t dx, float tap) {
    for (int64_t x = 0; x < size_[2]; ++x) {
      const float e = std::abs(line_[x + dx] - own[x]), counted = counted_[x + dx];
      switch (options_.aggregation) {
        case Aggregation::kImageL1:
          weight_[x] = std::exp(-e) * counted;
          total_[x] += weight_[x];
          break;
        case Aggregation::kImageL2:
          weight_[x] = std::exp(-e * e) * counted;
          total_[x] += weight_[x];
          break;
        default:
          weight_[x] = tap * e * counted;
          total_[x] += counted;
      }
    }
  }

  std::span<const uint8_t> masks_, ignored_;
  std::span<const float> image_;
  const SoftLabelOptions& options_;
  std::array<int64_t, 3> size_;
  int64_t pixels_, radius_;
  std::vector<float> line_, counted_, members_;
  std::vector<double> weight_, total_, sums_;
};

}  // namespace

void ImageWindow(std::span<const uint8_t> masks, std::span<const uint8_t> ignored,
                 std::span<const float> image, const Grid& grid, const SoftLabelOptions& options,
                 std::span<float> out) {
  const std::array<int64_t, 3> size = grid.DepthHeightWidth();
  const int64_t pixels = grid.Pixels(), rows = size[0] * size[1];
  ParallelFor(grid.batch * rows, std::max<int64_t>(1, kChunkPixels / size[2]),
              [&](int64_t begin, int64_t end) {
                RowWindow window(masks, ignored, image, grid, options);
                for (int64_t item = begin; item < end; ++item) {
                  const int64_t n = item / rows, row = item % rows;
                  window.Run(n, row / size[1], row % size[1],
                             out.data() + n * options.classes * pixels + row * size[2]);
                }
              });
}

}  // namespace pixelcal::cpu
