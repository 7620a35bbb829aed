#pragma once

#include <array>
#include <cstdint>

#include "calibration/calibration.h"

namespace pixelcal {

// The inverse temperatures at which sums are kept: four in each octave, evenly spaced, from 1/16 to 16.
inline constexpr int kTemperaturePoints = 33;
constexpr double InverseTemperature(int point) {
  double octave = 0.0625;
  for (int at = 4; at <= point; at += 4) octave *= 2;
  return octave * (1 + 0.25 * (point % 4));
}

// The sums over pixels of the log loss of softmax(beta ln p), which is softmax(beta z) for logits z: its
// derivatives in beta at every point, and its value at beta = 1.
struct TemperatureSums {
  double count = 0;
  double impossible = 0;  // pixels whose label has probability 0, which no temperature changes; left out
  double loss = 0;        // at beta = 1
  std::array<double, kTemperaturePoints> slope{}, curvature{}, third{};

  TemperatureSums& operator+=(const TemperatureSums& other);
};

namespace cpu {

// Sums in double; pixels in eight interleaved sums, blocks and chunks in order: the same bits at any thread
// count and on any instruction set. There is no twin on a device. `checked` tells that all values are known
// to be valid.
TemperatureSums Temperatures(const ProbabilityMaps& maps, bool checked = false);

}  // namespace cpu
}  // namespace pixelcal
