#pragma once

// Probabilities on the device, as float32 or float16, with their labels as codes.

#include "calibration/calibration.h"
#include "cuda/launch.h"
#include "labels/cuda_labels.h"

namespace pixelcal::cuda {

// Returns the float32 with the value of a float16's bits.
__device__ inline float Widened(uint16_t half) {
  const unsigned sign = (half & 0x8000u) << 16, rest = half & 0x7fffu;
  if (rest >= 0x7c00u) return __uint_as_float(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  if (rest >= 0x400u) return __uint_as_float(sign | ((rest << 13) + 0x38000000u));
  const float small = static_cast<float>(rest) * 0x1p-24f;
  return sign ? -small : small;
}
__device__ inline float Widened(float value) { return value; }

// A run of images: class c of pixel i of image n at values[(n * classes + c) * pixels + i].
template <class Value>
struct DeviceMaps {
  const Value* values;
  const int16_t* codes;
  const float* weights;  // null: all 1
  int64_t images, classes, pixels;

  __device__ float At(int64_t image, int64_t c, int64_t pixel) const {
    return Widened(values[(image * classes + c) * pixels + pixel]);
  }
  __device__ int Code(int64_t image, int64_t pixel) const { return codes[image * pixels + pixel]; }
};

__device__ inline bool IsProbability(float p) { return p >= 0 && p <= 1; }

// Returns the score of a pixel in a group, and whether it is a hit; valid if all values it reads are
// probabilities.
template <class Value>
__device__ float ScoreOf(const DeviceMaps<Value>& maps, Score score, int64_t group, int64_t image,
                         int64_t pixel, int code, bool* hit, bool* valid) {
  if (score == Score::kForeground) {
    const float p = maps.At(image, 0, pixel);
    *hit = code != 0;
    *valid = IsProbability(p);
    return 1.0f - p;
  }
  if (score == Score::kClasses) {
    const float p = maps.At(image, group, pixel);
    *hit = code == group;
    *valid = IsProbability(p);
    return p;
  }
  float top = maps.At(image, 0, pixel);
  int winner = 0;
  *valid = IsProbability(top);
  for (int64_t c = 1; c < maps.classes; ++c) {
    const float p = maps.At(image, c, pixel);
    *valid = *valid && IsProbability(p);
    if (p > top) {
      top = p;
      winner = static_cast<int>(c);
    }
  }
  *hit = code == winner;
  return top;
}

// Checks all values of all classes, for scores that do not read them all.
template <class Value>
__global__ void FindBadValues(DeviceMaps<Value> maps, Finding* finding) {
  const int64_t count = maps.images * maps.classes * maps.pixels;
  ForItems(count, [&](int64_t i) {
    if (!IsProbability(Widened(maps.values[i]))) Find(finding, i);
  });
}

// Sets the codes of masked pixels to kLeftOutCode and reports every invalid weight as a finding.
void LeaveOutMasked(Stream& stream, std::span<const uint8_t> mask, int16_t* codes);
void CheckWeights(Stream& stream, const float* weights, int64_t count, Finding* finding);

// Returns the images [first, first + images) of maps, uploaded as needed.
template <class Value>
DeviceMaps<Value> ReadMaps(Stream& stream, const ProbabilityMaps& maps, int64_t first, int64_t images,
                           Finding* finding) {
  const int64_t from = first * maps.pixels, count = images * maps.pixels;
  const auto values = std::get<std::span<const Value>>(maps.probs);
  int16_t* codes = EncodeLabels(stream, Part(maps.labels, from, count), maps.classes, maps.ignore, finding);
  if (!maps.mask.empty()) LeaveOutMasked(stream, Part(maps.mask, from, count), codes);
  const float* weights = stream.In(Part(maps.weights, from, count));
  if (weights) CheckWeights(stream, weights, count, finding);
  return {stream.In(Part(values, from * maps.classes, count * maps.classes)),
          codes,
          weights,
          images,
          maps.classes,
          maps.pixels};
}

inline int64_t BytesPerImage(const ProbabilityMaps& maps) {
  const int64_t probs = std::visit([](auto span) { return HostBytes(span); }, maps.probs);
  return (probs + HostBytes(maps.labels) + HostBytes(maps.mask) + HostBytes(maps.weights)) / maps.batch;
}

// Returns maps on the host, so that the CPU's kernel can describe their errors.
inline ProbabilityMaps OnHost(ProbabilityMaps maps, HostCopies& copies) {
  maps.probs = copies(maps.probs);
  maps.labels = copies(maps.labels);
  maps.mask = copies(maps.mask);
  maps.weights = copies(maps.weights);
  return maps;
}

}  // namespace pixelcal::cuda
