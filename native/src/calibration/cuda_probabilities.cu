// Checks of the arrays that accompany probabilities. Tested on an emulator, never yet run on a GPU.
#include "calibration/cuda_probabilities.h"

namespace pixelcal::cuda {
namespace {

__global__ void LeaveOut(const uint8_t* mask, int64_t count, int16_t* codes) {
  ForItems(count, [&](int64_t i) {
    if (mask[i] == 0 && codes[i] >= 0) codes[i] = kLeftOutCode;
  });
}

__global__ void FindBadWeights(const float* weights, int64_t count, Finding* finding) {
  ForItems(count, [&](int64_t i) {
    if (!(weights[i] >= 0 && weights[i] <= std::numeric_limits<float>::max())) Find(finding, i);
  });
}

}  // namespace

void LeaveOutMasked(Stream& stream, std::span<const uint8_t> mask, int16_t* codes) {
  const int64_t count = std::ssize(mask);
  LaunchItems("LeaveOut", LeaveOut, count, stream, stream.In(mask), count, codes);
}

void CheckWeights(Stream& stream, const float* weights, int64_t count, Finding* finding) {
  LaunchItems("FindBadWeights", FindBadWeights, count, stream, weights, count, finding);
}

}  // namespace pixelcal::cuda
