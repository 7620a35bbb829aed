// Brier score and log loss in one pass, O(pixels x classes): classes add their squares to a block's pixels,
// then the logarithm is taken once per pixel. In double precision; blocks of a chunk and chunks are added in
// order.
#include <limits>
#include <vector>

#include "base/error.h"
#include "calibration/calibration.h"
#include "calibration/probability_block.h"
#include "calibration/proper_block.h"

namespace pixelcal::cpu {

void CheckFloor(double floor) {
  Require(floor == 0 || (floor >= std::numeric_limits<double>::min() && floor < 1),
          "floor: expected 0 or a number from 2.3e-308 to below 1, got ", floor);
}

ProbabilityScoreSums ProbabilityScores(const ProbabilityMaps& maps, double floor) {
  CheckMaps(maps);
  CheckFloor(floor);
  std::vector<ProbabilityScoreSums> chunks(ChunkCount(maps, kProperBlocks));
  ForChunks(maps, kProperBlocks, [&](int64_t chunk, BlockReader& reader) {
    ProperBlock proper;
    while (const ProbabilityBlock* block = reader.Next()) {
      proper.Read(*block, maps.classes);
      AddSums(proper.Sums(*block, floor), chunks[chunk]);
    }
  });
  ProbabilityScoreSums result;
  for (const ProbabilityScoreSums& chunk : chunks) result += chunk;
  return result;
}

}  // namespace pixelcal::cpu
