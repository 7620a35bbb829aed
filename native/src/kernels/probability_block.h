#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "error.h"
#include "kernels/calibration.h"
#include "kernels/pixel.h"
#include "parallel.h"
#include "shape.h"

namespace pixelcal::cpu {

inline constexpr int64_t kBlockPixels = 4096;

// A run of pixels of one image: `label` is the class, or kLeftOut; class c is at probs[c * pixels].
struct ProbabilityBlock {
  static constexpr int16_t kLeftOut = -1;
  static constexpr int16_t kInvalid = -2;

  const float* probs;
  const float* weights;  // null: all 1
  int64_t pixels;        // between one class and the next
  int64_t count;
  std::array<int16_t, kBlockPixels> label;

  float Weight(int64_t i) const { return weights ? weights[i] : 1.0f; }
};

void CheckMaps(const ProbabilityMaps& maps);

// Chunks that ForBlocks divides the maps into.
int64_t ChunkCount(const ProbabilityMaps& maps);

// Calls body(block, chunk) for every block; those of a chunk come in order on one thread, chunks in any
// order. Then rejects labels outside the classes, probabilities outside [0, 1] and negative or infinite
// weights anywhere. `body` may see such probabilities and weights before, but never a block with such labels.
void ForBlocks(const ProbabilityMaps& maps, void (*body)(const ProbabilityBlock&, int64_t chunk, void* state),
               void* state);

template <class Body>
void ForBlocks(const ProbabilityMaps& maps, Body& body) {
  ForBlocks(
      maps,
      [](const ProbabilityBlock& block, int64_t chunk, void* state) {
        (*static_cast<Body*>(state))(block, chunk);
      },
      &body);
}

}  // namespace pixelcal::cpu
