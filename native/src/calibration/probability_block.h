#pragma once

#include <array>
#include <cstdint>

#include "base/parallel.h"
#include "calibration/calibration.h"
#include "labels/bad_pixels.h"

namespace pixelcal::cpu {

inline constexpr int64_t kBlockPixels = 2048;  // a row of pixels and its codes stay in L1

// Which values the maps may hold: those in [0, 1], or any (scores for an arg-max).
enum class MapValues { kProbabilities, kAny };

// A run of pixels of one image, whose values were all checked.
struct ProbabilityBlock {
  int64_t number;  // among the blocks of all images
  int64_t image;
  int64_t at;  // the first pixel in [batch, pixels]
  int64_t count;
  bool all;              // whether no pixel is left out
  const float* weights;  // null: all 1
  const FloatSpan* probs;
  int64_t start, pixels;                    // class c starts at probs[start + c * pixels]
  std::array<int16_t, kBlockPixels> codes;  // the class, or simd::kLeftOut

  // Returns the probabilities of class c: in place, or widened into `room` of kBlockPixels.
  const float* Row(int64_t c, float* room) const;
};

// The invalid values: which pixels, by argument.
struct Findings {
  BadPixels labels, probs, weights;
};

// Hands out the blocks of a chunk in order.
class BlockReader {
 public:
  BlockReader(const ProbabilityMaps& maps, MapValues values, Findings& findings, int64_t begin, int64_t end)
      : maps_(maps), values_(values), findings_(findings), next_(begin), end_(end) {}

  // Returns the next block without invalid values, or null at the end; invalid values go to the findings.
  const ProbabilityBlock* Next();

 private:
  bool Read(int64_t item);
  bool CheckRows(int64_t at);

  const ProbabilityMaps& maps_;
  const MapValues values_;
  Findings& findings_;
  int64_t next_, end_;
  ProbabilityBlock block_;
};

void CheckMaps(const ProbabilityMaps& maps);

// Returns the blocks per chunk: at least `least`, and enough for at most 256 chunks.
int64_t ChunkBlocks(const ProbabilityMaps& maps, int64_t least);
int64_t BlockCount(const ProbabilityMaps& maps);
inline int64_t ChunkCount(const ProbabilityMaps& maps, int64_t least) {
  return (BlockCount(maps) - 1) / ChunkBlocks(maps, least) + 1;
}

// Throws for labels outside the classes, probabilities outside [0, 1] and negative or infinite weights.
void RejectFindings(const ProbabilityMaps& maps, const Findings& findings);

// Calls body(chunk, reader) for every chunk on any thread, then rejects invalid values anywhere.
template <class Body>
void ForChunks(const ProbabilityMaps& maps, int64_t least, const Body& body,
               MapValues values = MapValues::kProbabilities) {
  Findings findings;
  const int64_t grain = ChunkBlocks(maps, least);
  ParallelFor(BlockCount(maps), grain, [&](int64_t begin, int64_t end) {
    BlockReader reader(maps, values, findings, begin, end);
    body(begin / grain, reader);
  });
  RejectFindings(maps, findings);
}

}  // namespace pixelcal::cpu
