#pragma once

#include "cuda/stream.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal::cuda {

// The window of a pixel on the device.
struct DeviceWindow {
  int64_t size[3];  // depth, height, width
  int dimensions, radius;
  WindowBorder border;
  const float* taps;  // null: all 1
  float scale, centre;

  __device__ int Radius(int axis) const { return axis >= 3 - dimensions ? radius : 0; }
  // A window of one tap still has weights along the axes it spans.
  __device__ float Tap(int axis, int offset) const {
    return taps && axis >= 3 - dimensions ? taps[offset + radius] : 1.0f;
  }
  // Does the same as BorderIndex.
  __device__ int64_t Source(int64_t i, int axis) const {
    const int64_t n = size[axis];
    if (i >= 0 && i < n) return i;
    if (border == WindowBorder::kReplicate) return i < 0 ? 0 : n - 1;
    if (border != WindowBorder::kReflect101) return -1;
    if (n == 1) return 0;
    const int64_t period = 2 * (n - 1), phase = (i % period + period) % period;
    return phase < n ? phase : period - phase;
  }
};

// Computes out = window * mask of every plane; with kBackground plane 0 of every `planes` is 1 outside.
void FilterMasks(Stream& stream, const uint8_t* masks, int64_t count, int64_t planes,
                 const DeviceWindow& window, float* out);

// Aggregates the windows of all classes by weights that depend on the image. Outside is I = 0, class 0;
// `ignored` pixels, of which there may be none (null), count nothing.
void FilterByImage(Stream& stream, const uint8_t* masks, const uint8_t* ignored, const float* image,
                   int64_t count, int64_t classes, Aggregation aggregation, const DeviceWindow& window,
                   float* out);

}  // namespace pixelcal::cuda
