// Signed distances to all classes of a batch together on the device. There is one transform per class, not
// two: d(p, c), the distance to class c, is the outside distance, and the inside distance of p's own class is
// the least d(p, c') over the other classes. All maps (images x classes) of a batch go through each launch;
// O(classes x pixels log n) work. Tested on an emulator, never yet run on a GPU.
#include <cmath>

#include "distance/cuda_class_distances.h"
#include "distance/cuda_signed_distance.h"
#include "distance/signed_distance.h"
#include "labels/cuda_labels.h"

namespace pixelcal::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kChunkPixels = 8192;

enum MapState : uint8_t { kNormal, kAbsent, kFull };

__global__ void FindStates(const uint8_t* present, int64_t images, int64_t classes, uint8_t* states) {
  ForItems(images, [&](int64_t image) {
    int64_t count = 0;
    for (int64_t c = 0; c < classes; ++c) count += present[image * classes + c];
    for (int64_t c = 0; c < classes; ++c) {
      const int64_t map = image * classes + c;
      states[map] = !present[map] ? kAbsent : count == 1 ? kFull : kNormal;
    }
  });
}

// Turns the distances to every class into signed ones.
__global__ void SignPixels(const int16_t* codes, const uint8_t* present, int64_t count, int64_t pixels,
                           int64_t classes, VirtualPoint point, float* distances) {
  ForItems(count, [&](int64_t i) {
    const int64_t image = i / pixels, own = codes[i];
    if (own < 0) return;
    float* at = distances + image * classes * pixels + i % pixels;
    float inside = std::numeric_limits<float>::infinity();
    for (int64_t c = 0; c < classes; ++c)
      if (c != own && present[image * classes + c]) inside = Least(inside, at[c * pixels]);
    // A class that fills the image measures to the virtual point, as any absent class does.
    if (inside == std::numeric_limits<float>::infinity())
      inside = classes > 1 ? at[(own == 0 ? 1 : 0) * pixels]
                           : static_cast<float>(sqrt(point.SquaredDistance(i % pixels)));
    at[own * pixels] = -inside;
  });
}

// Finds the largest distance outside and inside of every map, as the bits of a float, which order as the
// floats do.
__global__ void FindExtremes(const float* values, int64_t maps, int64_t pixels, unsigned* extremes) {
  const int64_t chunks = (pixels - 1) / kChunkPixels + 1;
  for (int64_t item = blockIdx.x; item < maps * chunks; item += gridDim.x) {
    const int64_t map = item / chunks, begin = item % chunks * kChunkPixels,
                  end = Least(pixels, begin + kChunkPixels);
    float outside = 0, inside = 0;
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const float value = values[map * pixels + i];
      outside = Most(outside, value);
      inside = Most(inside, -value);
    }
    outside = WarpMost(outside);
    inside = WarpMost(inside);
    if (threadIdx.x % kWarp != 0) continue;
    atomicMax(&extremes[2 * map], __float_as_uint(outside));
    atomicMax(&extremes[2 * map + 1], __float_as_uint(inside));
  }
}

struct Scaling {
  Normalize normalize;
  bool far;         // Absent::kFar
  float far_value;  // of an absent class; minus that of a full one
  float truncate;
};

__global__ void ScaleMaps(float* values, int64_t count, int64_t pixels, const unsigned* extremes,
                          const uint8_t* states, Scaling scaling) {
  ForItems(count, [&](int64_t i) {
    const int64_t map = i / pixels;
    const float value = values[i];
    if (scaling.far && states[map] != kNormal) {
      values[i] = states[map] == kAbsent ? scaling.far_value : -scaling.far_value;
    } else if (scaling.normalize == Normalize::kTruncate) {
      values[i] = Most(Least(value, scaling.truncate), -scaling.truncate) / scaling.truncate;
    } else if (scaling.normalize != Normalize::kNone) {
      float outside = __uint_as_float(extremes[2 * map]), inside = __uint_as_float(extremes[2 * map + 1]);
      if (scaling.normalize == Normalize::kMax) {
        // In NumPy 2, float32 + the Python float 1e-6 stays float32.
        outside = inside = Most(outside, inside) + 1e-6f;
      } else {
        outside = outside > 0 ? outside : 1;
        inside = inside > 0 ? inside : 1;
      }
      values[i] = value / (value > 0 ? outside : inside);
    }
  });
}

}  // namespace

void SignedDistances(Stream& stream, const int16_t* codes, const Grid& grid,
                     const SignedDistanceOptions& options, float* out) {
  const int64_t pixels = grid.Pixels(), classes = options.classes, maps = grid.batch * classes;
  const int64_t count = grid.batch * pixels;
  const auto [present, point] = DistancesToClasses(stream, codes, grid, classes, options.spacing, out);
  uint8_t* states = stream.Allocate<uint8_t>(maps);
  LaunchItems("FindStates", FindStates, grid.batch, stream, present, grid.batch, classes, states);
  LaunchItems("SignPixels", SignPixels, count, stream, codes, present, count, pixels, classes, point, out);

  unsigned* extremes = nullptr;
  if (options.normalize == Normalize::kMax || options.normalize == Normalize::kSplit) {
    extremes = stream.Zeros<unsigned>(2 * maps);
    const int64_t blocks = std::min<int64_t>(maps * ((pixels - 1) / kChunkPixels + 1), 1 << 20);
    Launch("FindExtremes", FindExtremes, blocks, kThreads, 0, stream, out, maps, pixels, extremes);
  }
  double diagonal = 0;
  for (size_t axis = 0; axis < static_cast<size_t>(grid.rank); ++axis)
    diagonal += std::pow(static_cast<double>(grid.size[axis]) * options.spacing[axis], 2);
  const Scaling scaling{
      options.normalize, options.absent == Absent::kFar,
      options.normalize == Normalize::kNone ? static_cast<float>(std::sqrt(diagonal)) : 1.0f,
      static_cast<float>(options.truncate)};
  if (scaling.far || options.normalize != Normalize::kNone)
    LaunchItems("ScaleMaps", ScaleMaps, maps * pixels, stream, out, maps * pixels, pixels, extremes, states,
                scaling);
}

void SignedDistance(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                    std::span<float> out) {
  const int64_t pixels = grid.Pixels(), classes = options.classes;
  CheckSignedDistance(labels, grid, options, out);
  Findings findings;
  ForPieces(grid, HostBytes(labels) + HostBytes(out), [&](Stream& stream, int64_t first, const Grid& piece) {
    const int16_t* codes = EncodeLabels(stream, Part(labels, first * pixels, piece.batch * pixels), classes,
                                        std::nullopt, findings.Add(stream));
    SignedDistances(stream, codes, piece, options,
                    stream.Out(Part(out, first * classes * pixels, piece.batch * classes * pixels)));
  });
  if (!findings.Any()) return;
  HostCopies on_host;
  std::vector<float> unused(out.size());
  cpu::SignedDistance(on_host(labels), grid, options, unused);  // throws, saying which label
}

}  // namespace pixelcal::cuda
