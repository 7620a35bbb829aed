#pragma once

#include <array>
#include <functional>
#include <span>

#include "base/shape.h"
#include "calibration/calibration.h"

namespace pixelcal {

inline constexpr int64_t kMaxRings = 256;

struct BoundaryCalibrationOptions {
  Score score = Score::kForeground;
  int64_t only = -1;            // for kClasses: the one class wanted, or -1 for all
  bool label_boundary = false;  // distances to the labels' boundary instead of the predictions'
  BinEdges closed = BinEdges::kRightClosed;
  int64_t bins = 10;
  std::span<const double> edges;  // bins + 1, near the multiples of 1 / bins
  // The signed distances that part rings, increasing, in the units of `spacing`; one ring more than edges.
  std::span<const double> rings;
  std::array<double, 3> spacing{1, 1, 1};
};

// The sums [groups, rings, bins], and per ring [groups, rings].
struct BoundaryCalibrationSums {
  std::span<double> count, confidence, accuracy;
  std::span<double> log_loss, impossible;
};

namespace internal {

int64_t BoundaryGroups(const BoundaryCalibrationOptions& options, int64_t classes);

// Throws unless sizes and options fit one another; does not read the pixels.
void CheckBoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                              const BoundaryCalibrationOptions& options, const BoundaryCalibrationSums& sums);

// Returns the limits of the rings in float32: a distance is in ring r if r of them are below it.
std::array<float, kMaxRings> RingLimits(std::span<const double> rings);

// Returns the number of segments whose distances are needed: with one mask, 2.
int64_t BoundarySegments(const BoundaryCalibrationOptions& options, int64_t classes);

}  // namespace internal

namespace cpu {

struct ProbabilityBlock;
class ProperBlock;

// Bins probabilities by their signed distance to the boundary of the segmentation (arg-max, the first of
// equals), which is positive outside, in float32. kForeground measures to the mask of all classes but 0;
// kClasses to that of each class; kTopLabel to the nearest pixel of another class, negative in the
// foreground. Left-out pixels belong to no class. Without a boundary the distance is +-infinity. Equal
// distances and edges: a ring holds its edge that is farther from the boundary. log_loss sums -ln q in units
// of 2^-40, q the probability of what is the case (kTopLabel: p_label); pixels with q = 0 are counted in
// `impossible` instead. All sums are exact: the same bits in any order.
void BoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options, const BoundaryCalibrationSums& sums);

// Work on a block of pixels beside the rings, on any thread, while it is in cache.
using AfterBlock = std::function<void(const ProbabilityBlock& block, const ProperBlock& labels)>;

// Does the same for maps whose values were checked, with the arg-max of every pixel, which it does not find
// again. Calls `after`, which may be empty, for all blocks that have pixels.
void BoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options, const LabelSpan& winners,
                         const BoundaryCalibrationSums& sums, const AfterBlock& after = {});

}  // namespace cpu

namespace cuda {

// Equals cpu:: bit for bit, as far as distances do.
void BoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options, const BoundaryCalibrationSums& sums);

}  // namespace cuda
}  // namespace pixelcal
