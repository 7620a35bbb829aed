// Sums over the windows of pixels on the device. A thread sums the window of one pixel of one class (or, if
// weights depend on the image, of eight classes), O(k^d) per pixel and class from cache. Float32 sums equal
// the CPU's up to their order; image-weighted sums are double.
#include "cuda/launch.h"
#include "soft_labels/cuda_window.h"

namespace pixelcal::cuda {
namespace {

constexpr int kClassGroup = 8;

__global__ void SumWindows(const uint8_t* masks, int64_t count, int64_t planes, DeviceWindow window,
                           float* out) {
  const int64_t width = window.size[2], height = window.size[1], pixels = window.size[0] * height * width;
  ForItems(count, [&](int64_t i) {
    const int64_t plane = i / pixels, pixel = i % pixels;
    const int64_t z = pixel / (height * width), y = pixel / width % height, x = pixel % width;
    const uint8_t* mask = masks + plane * pixels;
    const float outside = window.border == WindowBorder::kBackground && plane % planes == 0 ? 1.0f : 0.0f;
    const int rz = window.Radius(0), ry = window.Radius(1), rx = window.Radius(2);
    float sum = window.centre * static_cast<float>(mask[pixel]);
    for (int dx = -rx; dx <= rx; ++dx) {
      const int64_t sx = window.Source(x + dx, 2);
      float column = 0;
      for (int dz = -rz; dz <= rz; ++dz) {
        for (int dy = -ry; dy <= ry; ++dy) {
          const int64_t sz = window.Source(z + dz, 0), sy = window.Source(y + dy, 1);
          const bool inside = sx >= 0 && sy >= 0 && sz >= 0;
          const float value = inside ? static_cast<float>(mask[(sz * height + sy) * width + sx]) : outside;
          column += window.scale * window.Tap(0, dz) * window.Tap(1, dy) * value;
        }
      }
      sum += window.Tap(2, dx) * column;
    }
    out[i] = sum;
  });
}

// An item is a pixel and eight classes from `first` on.
__global__ void WeighWindows(const uint8_t* masks, const uint8_t* ignored, const float* image, int64_t count,
                             int64_t classes, Aggregation aggregation, DeviceWindow window, float* out) {
  const int64_t width = window.size[2], height = window.size[1], depth = window.size[0];
  const int64_t pixels = depth * height * width, groups = (classes - 1) / kClassGroup + 1;
  ForItems(count * groups, [&](int64_t item) {
    const int64_t i = item % count, first = item / count * kClassGroup, n = i / pixels, pixel = i % pixels;
    const int64_t z = pixel / (height * width), y = pixel / width % height, x = pixel % width;
    const int group = static_cast<int>(Least<int64_t>(kClassGroup, classes - first));
    const int rz = window.Radius(0), ry = window.Radius(1), rx = window.Radius(2);
    double sums[kClassGroup] = {}, total = 0;
    for (int dz = -rz; dz <= rz; ++dz) {
      for (int dy = -ry; dy <= ry; ++dy) {
        for (int dx = -rx; dx <= rx; ++dx) {
          const int64_t sz = z + dz, sy = y + dy, sx = x + dx;
          const bool inside = sz >= 0 && sz < depth && sy >= 0 && sy < height && sx >= 0 && sx < width;
          const int64_t source = inside ? (sz * height + sy) * width + sx : 0;
          if (inside && ignored && ignored[n * pixels + source]) continue;
          const float e = fabsf((inside ? image[n * pixels + source] : 0.0f) - image[i]);
          double weight;
          if (aggregation == Aggregation::kImageL1 || aggregation == Aggregation::kImageL2) {
            weight = expf(aggregation == Aggregation::kImageL1 ? -e : -e * e);
            total += weight;
          } else {
            weight = window.Tap(0, dz) * window.Tap(1, dy) * window.Tap(2, dx) * e;
            total += 1;
          }
          for (int c = 0; c < kClassGroup; ++c) {
            if (c >= group) continue;
            const bool member =
                inside ? masks[(n * classes + first + c) * pixels + source] != 0 : first + c == 0;
            sums[c] += member ? weight : 0.0;
          }
        }
      }
    }
    for (int c = 0; c < group; ++c)
      out[(n * classes + first + c) * pixels + pixel] =
          total > 0 ? static_cast<float>(sums[c] / total) : 0.0f;
  });
}

}  // namespace

void FilterMasks(Stream& stream, const uint8_t* masks, int64_t count, int64_t planes,
                 const DeviceWindow& window, float* out) {
  LaunchItems("SumWindows", SumWindows, count, stream, masks, count, planes, window, out);
}

void FilterByImage(Stream& stream, const uint8_t* masks, const uint8_t* ignored, const float* image,
                   int64_t count, int64_t classes, Aggregation aggregation, const DeviceWindow& window,
                   float* out) {
  const int64_t groups = (classes - 1) / kClassGroup + 1;
  LaunchItems("WeighWindows", WeighWindows, count * groups, stream, masks, ignored, image, count, classes,
              aggregation, window, out);
}

}  // namespace pixelcal::cuda
