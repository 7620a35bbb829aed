#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/calibration.h"
#include "kernels/probability_block.h"

namespace pixelcal::cpu {

namespace internal {
template <class P, class Hit, class Sink>
inline void ForGroupScores(const ProbabilityBlock& block, int64_t group, float threshold,
                           const P& probability, const Hit& hit, const Sink& sink) {
  for (int64_t i = 0; i < block.count; ++i) {
    if (block.label[i] < 0) continue;
    const float p = probability(i);
    // The second test keeps a probability that is about to be rejected away from tables.
    if (p > threshold && p <= 1) sink(group, i, p, hit(i));
  }
}
}  // namespace internal

// Calls sink(group, i, p, hit) for every pixel i of the block that is counted in a group: what Score says,
// above the threshold.
template <class Sink>
void ForScores(const ProbabilityBlock& block, Score score, int64_t classes, float threshold,
               const Sink& sink) {
  switch (score) {
    case Score::kForeground:
      return internal::ForGroupScores(
          block, 0, threshold, [&](int64_t i) { return 1.0f - block.probs[i]; },
          [&](int64_t i) { return block.label[i] != 0; }, sink);
    case Score::kClasses:
      for (int64_t c = 0; c < classes; ++c) {
        const float* probs = block.probs + c * block.pixels;
        internal::ForGroupScores(
            block, c, threshold, [&](int64_t i) { return probs[i]; },
            [&](int64_t i) { return block.label[i] == c; }, sink);
      }
      return;
    case Score::kTopLabel: {
      std::array<float, kBlockPixels> top;
      std::array<int16_t, kBlockPixels> winner;
      std::copy_n(block.probs, block.count, top.begin());
      std::fill_n(winner.begin(), block.count, int16_t{0});
      for (int64_t c = 1; c < classes; ++c) {
        const float* probs = block.probs + c * block.pixels;
        for (int64_t i = 0; i < block.count; ++i) {
          winner[i] = probs[i] > top[i] ? static_cast<int16_t>(c) : winner[i];
          top[i] = std::max(top[i], probs[i]);
        }
      }
      return internal::ForGroupScores(
          block, 0, threshold, [&](int64_t i) { return top[i]; },
          [&](int64_t i) { return winner[i] == block.label[i]; }, sink);
    }
  }
}

}  // namespace pixelcal::cpu
