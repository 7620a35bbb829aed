// Soft targets from the distances to all classes of a batch together on the device: the transforms of
// cuda_class_distances.cu, then one thread per pixel. O(classes x pixels log n) work. Tested on an emulator,
// never yet run on a GPU.
#include <cmath>
#include <vector>

#include "distance/cuda_class_distances.h"
#include "labels/cuda_labels.h"
#include "soft_labels/boundary_soft_labels.h"

namespace pixelcal::cuda {
namespace {

// Turns the distances to every class into targets.
__global__ void SoftenPixels(const int16_t* codes, const uint8_t* present, int64_t count, int64_t pixels,
                             int64_t classes, internal::BoundaryFade fade, float* distances) {
  ForItems(count, [&](int64_t i) {
    const int64_t image = i / pixels, own = codes[i];
    const uint8_t* known = present + image * classes;
    float* at = distances + image * classes * pixels + i % pixels;
    float inside = std::numeric_limits<float>::infinity();
    for (int64_t c = 0; c < classes; ++c)
      if (c != own && known[c]) inside = Least(inside, at[c * pixels]);
    const float own_side = Most(inside - fade.half, fade.half);
    float sum = 0;
    for (int64_t c = 0; c < classes; ++c) {
      float share = c == own ? 1 : 0;
      if (c != own && known[c]) {
        const float x = (Most(at[c * pixels] - fade.half, fade.half) + own_side) * fade.rate;
        if (x < internal::kFadedOut) share = expf(-x);
      }
      at[c * pixels] = share;
      sum += share;
    }
    const float scale = fade.keep / Most(sum, 1.0f);
    for (int64_t c = 0; c < classes; ++c) at[c * pixels] = own < 0 ? 0 : at[c * pixels] * scale + fade.floor;
  });
}

}  // namespace

void BoundarySoftLabels(const LabelSpan& labels, const Grid& grid, const BoundarySoftLabelOptions& options,
                        std::span<float> out) {
  CheckBoundarySoftLabels(labels, grid, options, out);
  const int64_t pixels = grid.Pixels(), classes = options.classes;
  const internal::BoundaryFade fade = internal::FadeOf(options, grid.rank);
  Findings findings;
  ForPieces(grid, HostBytes(labels) + HostBytes(out), [&](Stream& stream, int64_t first, const Grid& piece) {
    const int64_t count = piece.batch * pixels, maps = piece.batch * classes;
    const int16_t* codes = EncodeLabels(stream, Part(labels, first * pixels, count), classes, options.ignore,
                                        findings.Add(stream));
    float* targets = stream.Out(Part(out, first * classes * pixels, maps * pixels));
    const uint8_t* present =
        DistancesToClasses(stream, codes, piece, classes, options.spacing, targets).present;
    LaunchItems("SoftenPixels", SoftenPixels, count, stream, codes, present, count, pixels, classes, fade,
                targets);
  });
  if (!findings.Any()) return;
  HostCopies copies;
  std::vector<float> unused(out.size());
  cpu::BoundarySoftLabels(copies(labels), grid, options, unused);  // throws, saying which label
}

}  // namespace pixelcal::cuda
