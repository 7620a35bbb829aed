// Bin edges from order statistics: the counted probabilities of every group are gathered and each group is
// sorted. O(n log n) time and n floats per group.
#include <algorithm>
#include <mutex>
#include <vector>

#include "error.h"
#include "kernels/calibration.h"
#include "kernels/probability_block.h"
#include "kernels/scores.h"
#include "parallel.h"

namespace pixelcal::cpu {

void EqualMassEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, std::span<double> edges) {
  CheckMaps(maps);
  const int64_t bins = options.bins, groups = CalibrationGroups(options.score, maps.classes);
  Require(bins >= 1, "bins: expected at least 1, got ", bins);
  Require(std::ssize(edges) == groups * (bins + 1), "edges: expected ", groups * (bins + 1), ", got ",
          edges.size());
  Require(maps.weights.empty(), "weights: expected none for bins of equal mass");
  std::vector<std::vector<float>> scores(groups);
  std::mutex mutex;
  auto gather = [&](const ProbabilityBlock& block, int64_t) {
    std::vector<std::vector<float>> found(groups);
    ForScores(block, options.score, maps.classes, options.threshold,
              [&](int64_t group, int64_t, float p, bool) { found[group].push_back(p); });
    const std::lock_guard lock(mutex);
    for (int64_t group = 0; group < groups; ++group)
      scores[group].insert(scores[group].end(), found[group].begin(), found[group].end());
  };
  ForBlocks(maps, gather);
  ParallelFor(groups, 1, [&](int64_t group, int64_t) {
    std::vector<float>& sorted = scores[group];
    std::sort(sorted.begin(), sorted.end());
    const int64_t count = std::ssize(sorted);
    double* edge = edges.data() + group * (bins + 1);
    edge[0] = 0;
    edge[bins] = 1;
    for (int64_t bin = 1; bin < bins; ++bin) {
      // Without overflow, as count may be large: floor(bin * count / bins).
      const int64_t before = count / bins * bin + count % bins * bin / bins;
      const int64_t rank = options.closed == BinEdges::kRightClosed ? before - 1 : before;
      edge[bin] = rank < 0 ? 0 : rank < count ? static_cast<double>(sorted[rank]) : 1;
    }
  });
}

}  // namespace pixelcal::cpu
