// The log loss of a temperature as a function, in one pass: 33 points with three derivatives each, between
// which it is a polynomial to about 1e-9, so that sums of any cases can be fitted without their pixels.
// O(pixels x classes x points).
#include "calibration/temperature.h"

#include <memory>
#include <vector>

#include "base/scratch.h"
#include "calibration/probability_block.h"
#include "calibration/temperature_loops.h"
#include "calibration/temperature_pairs.h"
#include "calibration/temperature_sums.h"

namespace pixelcal {

TemperatureSums& TemperatureSums::operator+=(const TemperatureSums& other) {
  count += other.count;
  impossible += other.impossible;
  loss += other.loss;
  for (size_t i = 0; i < slope.size(); ++i) {
    slope[i] += other.slope[i];
    curvature[i] += other.curvature[i];
    third[i] += other.third[i];
  }
  return *this;
}

namespace cpu {

TemperatureSums Temperatures(const ProbabilityMaps& maps, bool checked) {
  constexpr int64_t kLeastBlocks = 2;
  CheckMaps(maps);
  Require(maps.weights.empty(), "weights: not supported by the temperature's sums");
  const MapValues values = checked ? MapValues::kAny : MapValues::kProbabilities;
  if (PairTemperaturePass::Fits(maps)) {
    PairTemperaturePass pass(maps);
    const auto add = [&](int64_t chunk, BlockReader& reader) {
      PairTemperaturePass::Chunk sums(pass, chunk);
      while (const ProbabilityBlock* block = reader.Next()) sums.Add(*block);
      sums.End();
    };
    ForChunks(maps, PairTemperaturePass::kLeastBlocks, add, values);
    return pass.Sums();
  }
  std::vector<TemperatureSums> chunks(static_cast<size_t>(ChunkCount(maps, kLeastBlocks)));
  const auto classes = static_cast<size_t>(maps.classes);
  const auto add = [&](int64_t chunk, BlockReader& reader) {
    float* wide = Scratch<float, struct TemperatureWide>(classes * kBlockPixels);
    double* room = Scratch<double, struct TemperatureRoom>(40 * classes);
    const float** rows = Scratch<const float*, struct TemperatureRows>(classes);
    const auto lanes = std::make_unique<simd::TemperatureLanes>();
    while (const ProbabilityBlock* block = reader.Next()) {
      for (size_t c = 0; c < classes; ++c)
        rows[c] = block->Row(static_cast<int64_t>(c), wide + c * kBlockPixels);
      TemperatureLoops().add(rows, maps.classes, block->codes.data(), static_cast<size_t>(block->count), room,
                             lanes.get());
    }
    chunks[static_cast<size_t>(chunk)] = SumsOf(*lanes);
  };
  ForChunks(maps, kLeastBlocks, add, values);
  TemperatureSums result;
  for (const TemperatureSums& chunk : chunks) result += chunk;
  return result;
}

}  // namespace cpu
}  // namespace pixelcal
