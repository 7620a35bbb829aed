#pragma once

#include <array>
#include <cstdint>

#include "calibration/probability_block.h"
#include "calibration/probability_scores_loops.h"

namespace pixelcal::cpu {

// The least number of blocks per chunk of proper scores: the order of their sums depends on it.
inline constexpr int64_t kProperBlocks = 8;

// The squares and label probabilities of a block, of which proper scores are sums.
class ProperBlock {
 public:
  void Read(const ProbabilityBlock& block, int64_t classes) {
    for (int64_t c = 0; c < classes; ++c)
      ProbabilityScoresLoops().add_class(block.Row(c, widened_.data()), block.codes.data(),
                                         static_cast<int16_t>(c), block.count, brier_.data(),
                                         label_p_.data());
  }
  // Returns the sums of the block that was read.
  simd::ScoreSums Sums(const ProbabilityBlock& block, double floor) const {
    return ProbabilityScoresLoops().sum(brier_.data(), label_p_.data(), block.codes.data(), block.weights,
                                        floor, block.count);
  }

 private:
  alignas(64) std::array<float, kBlockPixels> widened_, label_p_;
  alignas(64) std::array<double, kBlockPixels> brier_;
};

inline void AddSums(const simd::ScoreSums& from, ProbabilityScoreSums& to) {
  to.total += from.total;
  to.brier += from.brier;
  to.log_loss += from.log_loss;
  to.bounded += from.bounded;
}

}  // namespace pixelcal::cpu
