// Everything that signed-distance calibration needs of the labels, from one upload: they are narrowed to
// 16-bit codes once, and one-hot, signed distances and soft labels are computed from those on one stream.
// Tested on an emulator, never yet run on a GPU.
#include "cuda/launch.h"
#include "distance/cuda_signed_distance.h"
#include "labels/cuda_labels.h"
#include "soft_labels/cuda_soft_labels.h"
#include "soft_labels/label_targets.h"

namespace pixelcal::cuda {
namespace {

__global__ void OneHot(const int16_t* codes, int64_t count, int64_t pixels, int64_t classes, float* out) {
  ForItems(count, [&](int64_t i) {
    const int64_t plane = i / pixels;
    out[i] = codes[plane / classes * pixels + i % pixels] == plane % classes ? 1.0f : 0.0f;
  });
}

}  // namespace

void Targets(const LabelSpan& labels, const Grid& grid, const LabelTargetOptions& options,
             const LabelTargets& out) {
  cpu::CheckTargets(labels, grid, options, out);
  const int64_t pixels = grid.Pixels(), classes = options.signed_distance.classes;
  const int64_t traffic = HostBytes(labels) + HostBytes(out.one_hot) + HostBytes(out.signed_distance) +
                          HostBytes(out.soft_labels);
  Findings findings;
  ForPieces(grid, traffic, [&](Stream& stream, int64_t first, const Grid& piece) {
    const int64_t from = first * pixels, count = piece.batch * pixels;
    const int16_t* codes =
        EncodeLabels(stream, Part(labels, from, count), classes, std::nullopt, findings.Add(stream));
    const auto to = [&](std::span<float> all) {
      return stream.Out(Part(all, from * classes, count * classes));
    };
    if (float* one_hot = to(out.one_hot))
      LaunchItems("OneHot", OneHot, count * classes, stream, codes, count * classes, pixels, classes,
                  one_hot);
    if (float* distances = to(out.signed_distance))
      SignedDistances(stream, codes, piece, options.signed_distance, distances);
    if (float* soft = to(out.soft_labels))
      SoftTargets(stream, codes, nullptr, piece, options.soft_labels, soft);
  });
  if (!findings.Any()) return;
  HostCopies copies;
  std::vector<float> unused(static_cast<size_t>(grid.Count() * classes));
  cpu::Targets(copies(labels), grid, options, {unused, {}, {}});  // throws, saying which label
}

}  // namespace pixelcal::cuda
