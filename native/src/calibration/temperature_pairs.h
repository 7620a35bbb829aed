#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "calibration/histogram_pass.h"
#include "calibration/probability_block.h"
#include "calibration/temperature.h"
#include "calibration/temperature_loops.h"

namespace pixelcal::cpu {

// The temperature's sums of two classes, for kernels that sum beside other work.
class PairTemperaturePass {
 public:
  // The least number of blocks per chunk, on which the order of sums depends: that of histograms.
  static constexpr int64_t kLeastBlocks = HistogramPass::kLeastBlocks;

  // Returns whether maps are of two classes and large enough to be worth it.
  static bool Fits(const ProbabilityMaps& maps) {
    return maps.classes == 2 && maps.batch * maps.pixels >= 16384;
  }

  // The chunks of ForChunks(maps, kLeastBlocks, ...); none if `wanted` is false.
  explicit PairTemperaturePass(const ProbabilityMaps& maps, bool wanted = true)
      : chunks_(wanted ? static_cast<size_t>(ChunkCount(maps, kLeastBlocks)) : 0) {}

  // The sums of one chunk. A thread has one at a time.
  class Chunk {
   public:
    Chunk(PairTemperaturePass& pass, int64_t chunk);
    ~Chunk();
    Chunk(const Chunk&) = delete;
    Chunk& operator=(const Chunk&) = delete;
    void Add(const ProbabilityBlock& block);
    void End();

   private:
    PairTemperaturePass& pass_;
    const int64_t chunk_;
    simd::PairCounts counts_;
    double* cells_ = nullptr;  // 0 in every bin between two chunks
  };

  // Returns the sums of all chunks, which have ended.
  TemperatureSums Sums() const;

 private:
  // The moments of a bin's pixels, and of those with the less probable label.
  struct Bin {
    std::array<double, simd::kMoments> all, wrong;
  };
  struct Found {
    simd::PairCounts counts;
    std::vector<Bin> bins;  // up to the last with pixels
  };
  std::vector<Found> chunks_;
};

}  // namespace pixelcal::cpu
