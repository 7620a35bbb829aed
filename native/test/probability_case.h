#pragma once

// Probabilities with labels for the tests of calibration, scores and confusion counts.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/parallel.h"
#include "calibration/calibration.h"
#include "isa.h"

namespace pixelcal::test {

// Converts float16 to float32, from the definition.
inline float FromHalf(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = bits & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? std::nanf("") : sign * std::numeric_limits<float>::infinity();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

struct ProbabilityCase {
  int64_t batch, classes, pixels;
  std::vector<float> probs;
  std::vector<uint16_t> halves;  // if not empty, the source from which `probs` was widened
  std::vector<int32_t> labels;
  std::vector<uint8_t> mask;
  std::vector<float> weights;

  static constexpr int64_t kIgnored = -7;

  ProbabilityMaps Maps(bool masked, bool weighted) const {
    ProbabilityMaps maps{std::span<const float>(probs),
                         std::span<const int32_t>(labels),
                         batch,
                         classes,
                         pixels,
                         kIgnored,
                         {},
                         {}};
    if (!halves.empty()) maps.probs = std::span<const uint16_t>(halves);
    if (masked) maps.mask = mask;
    if (weighted) maps.weights = weights;
    return maps;
  }
};

// Returns a probability, often an awkward one: limits of bins and their neighbours, zeros, ones, denormals,
// halves of the unit of sums.
inline float AwkwardProbability(std::mt19937& random) {
  const auto near = [&](float p) {
    const int side = static_cast<int>(random() % 3);
    const float moved = side == 0 ? p : std::nextafter(p, side == 1 ? 0.0f : 1.0f);
    return std::min(moved, 1.0f);
  };
  constexpr int kBins[] = {10, 15, 16, 17, 41, 100, 1024};
  switch (random() % 8) {
    case 0:
      return near(static_cast<float>(random() % 11) / 10);
    case 1: {
      const int bins = kBins[random() % 7];
      return near(static_cast<float>(random() % (bins + 1)) / static_cast<float>(bins));
    }
    case 2:
      return static_cast<float>(random() % 2);
    case 3: {
      constexpr float kTiny[] = {-0.0f,      1e-45f,   1e-38f,          0x1p-41f,
                                 0x1.8p-40f, 0x1p-17f, 0x1.fffffep-18f, 0x1p-24f};
      return kTiny[random() % 8];
    }
    default:
      return static_cast<float>(random() >> 8) * 0x1p-24f;
  }
}

// Makes stretches of one probability and one label, as inside regions, between stretches of noise.
inline ProbabilityCase MakeCase(int64_t batch, int64_t classes, int64_t pixels, unsigned seed,
                                bool half = false) {
  std::mt19937 random(seed);
  ProbabilityCase made{batch, classes, pixels, {}, {}, {}, {}, {}};
  int64_t stretch = 0;
  float p = 0;
  for (int64_t i = 0; i < batch * classes * pixels; ++i) {
    if (stretch == 0 && random() % 40 == 0) {
      stretch = random() % 100;
      p = AwkwardProbability(random);
    }
    stretch = std::max<int64_t>(stretch - 1, 0);
    made.probs.push_back(stretch > 0 ? p : AwkwardProbability(random));
    if (half) {
      made.halves.push_back(random() % 5 ? random() % 0x3c01 : random() % 2 * 0x3c00);
      made.probs.back() = FromHalf(made.halves.back());
    }
  }
  for (int64_t i = 0; i < batch * pixels; ++i) {
    const bool same = i > 0 && random() % 20;
    made.labels.push_back(same                ? made.labels.back()
                          : random() % 9 == 0 ? static_cast<int32_t>(ProbabilityCase::kIgnored)
                                              : static_cast<int32_t>(random() % classes));
    made.mask.push_back(random() % 3);
    made.weights.push_back(static_cast<float>(random() % 5) / 4);
  }
  return made;
}

inline bool Close(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= 1e-12 * std::max(1.0, std::abs(b[i])))) return false;
  return a.size() == b.size();
}

}  // namespace pixelcal::test
