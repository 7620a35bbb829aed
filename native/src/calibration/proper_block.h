#pragma once

#include <array>
#include <cstdint>

#include "calibration/probability_block.h"
#include "calibration/probability_scores_loops.h"

namespace pixelcal::cpu {

// The least number of blocks per chunk of proper scores: the order of their sums depends on it.
inline constexpr int64_t kProperBlocks = 8;

// The squares, label probabilities and log losses of a block, of which proper scores are sums.
class ProperBlock {
 public:
  void Read(const ProbabilityBlock& block, int64_t classes) {
    const simd::ProbabilityScoresTable& loops = ProbabilityScoresLoops();
    const auto count = static_cast<size_t>(block.count);
    if (classes == 2) {
      const float* first = block.Row(0, widened_.data());
      return loops.read_pair(first, block.Row(1, second_.data()), block.codes.data(), count, brier_.data(),
                             label_p_.data(), losses_.data());
    }
    for (int64_t c = 0; c < classes; ++c)
      loops.add_class(block.Row(c, widened_.data()), block.codes.data(), static_cast<int16_t>(c), count,
                      brier_.data(), label_p_.data());
    loops.losses(label_p_.data(), count, losses_.data());
  }
  // Returns the sums of the block that was read.
  simd::ScoreSums Sums(const ProbabilityBlock& block, double floor) const {
    return ProbabilityScoresLoops().sum(brier_.data(), label_p_.data(), losses_.data(), block.codes.data(),
                                        block.weights, floor, block.count);
  }
  // Returns the log losses of its pixels, infinite where the label has probability 0.
  const double* Losses() const { return losses_.data(); }

 private:
  alignas(64) std::array<float, kBlockPixels> widened_, second_, label_p_;
  alignas(64) std::array<double, kBlockPixels> brier_, losses_;
};

inline void AddSums(const simd::ScoreSums& from, ProbabilityScoreSums& to) {
  to.total += from.total;
  to.brier += from.brier;
  to.log_loss += from.log_loss;
  to.bounded += from.bounded;
}

}  // namespace pixelcal::cpu
