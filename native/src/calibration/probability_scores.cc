// Brier score and log loss in one pass, O(pixels x classes): classes add their squares to a block's pixels,
// then the logarithm is taken once per pixel. In double precision; blocks of a chunk and chunks are added in
// order.
#include <limits>
#include <vector>

#include "base/error.h"
#include "calibration/calibration.h"
#include "calibration/probability_block.h"
#include "calibration/probability_scores_loops.h"

namespace pixelcal::cpu {

void CheckFloor(double floor) {
  Require(floor == 0 || (floor >= std::numeric_limits<double>::min() && floor < 1),
          "floor: expected 0 or a number from 2.3e-308 to below 1, got ", floor);
}

ProbabilityScoreSums ProbabilityScores(const ProbabilityMaps& maps, double floor) {
  constexpr int64_t kLeastBlocks = 8;
  CheckMaps(maps);
  CheckFloor(floor);
  std::vector<ProbabilityScoreSums> chunks(ChunkCount(maps, kLeastBlocks));
  ForChunks(maps, kLeastBlocks, [&](int64_t chunk, BlockReader& reader) {
    alignas(64) std::array<float, kBlockPixels> room, label_p;
    alignas(64) std::array<double, kBlockPixels> brier;
    while (const ProbabilityBlock* block = reader.Next()) {
      for (int64_t c = 0; c < maps.classes; ++c)
        ProbabilityScoresLoops().add_class(block->Row(c, room.data()), block->codes.data(),
                                           static_cast<int16_t>(c), block->count, brier.data(),
                                           label_p.data());
      const simd::ScoreSums sums = ProbabilityScoresLoops().sum(
          brier.data(), label_p.data(), block->codes.data(), block->weights, floor, block->count);
      chunks[chunk].total += sums.total;
      chunks[chunk].brier += sums.brier;
      chunks[chunk].log_loss += sums.log_loss;
      chunks[chunk].bounded += sums.bounded;
    }
  });
  ProbabilityScoreSums result;
  for (const ProbabilityScoreSums& chunk : chunks) result += chunk;
  return result;
}

}  // namespace pixelcal::cpu
