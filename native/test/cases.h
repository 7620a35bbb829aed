#pragma once

// The grids, masks and spacings that test every spatial kernel.

#include <array>
#include <cstdint>
#include <vector>

#include "base/shape.h"

namespace pixelcal::test {

// A small deterministic generator, so that a failing case can be named by its seed.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

inline constexpr std::array<double, 6> kDensities{0, 1, -1, 0.05, 0.5, 0.95};  // -1: exactly one pixel

inline std::vector<uint8_t> RandomMask(int64_t count, double density, uint64_t seed) {
  Noise noise(seed);
  std::vector<uint8_t> mask(static_cast<size_t>(count), 0);
  if (density < 0) {
    mask[noise.Next() % mask.size()] = 1;
    return mask;
  }
  for (auto& value : mask) value = noise.Uniform() < density;
  return mask;
}

inline std::vector<Grid> Grids() {
  constexpr std::array<int64_t, 7> kSizes{1, 2, 3, 7, 16, 17, 33};
  std::vector<Grid> grids;
  for (const int64_t batch : {1, 3}) {
    for (const int64_t a : kSizes) {
      grids.push_back(MakeGrid(batch, std::array{a}));
      for (const int64_t b : kSizes) grids.push_back(MakeGrid(batch, std::array{a, b}));
    }
    // In 3-D a covering of the sizes: every pair of neighbours meets, and the O(n^2) reference stays
    // affordable.
    for (size_t i = 0; i < kSizes.size(); ++i) {
      for (size_t j = 0; j < kSizes.size(); ++j)
        grids.push_back(MakeGrid(batch, std::array{kSizes[i], kSizes[j], kSizes[(i + 2 * j) % 6]}));
    }
  }
  return grids;
}

inline std::vector<std::array<double, 3>> Spacings() { return {{1, 1, 1}, {3, 2, 1.5}, {2.25, 0.85, 0.85}}; }

}  // namespace pixelcal::test
