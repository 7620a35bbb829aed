// Histograms of predicted probabilities with the sums behind every binned calibration error, any number of
// them from one pass over memory: O(pixels x groups) time, whatever the number of bins.
#include "calibration/calibration.h"

#include <cmath>

#include "base/error.h"
#include "calibration/histogram_pass.h"
#include "calibration/probability_block.h"

namespace pixelcal::cpu {
namespace {

void CheckOptions(const ProbabilityMaps& maps, const CalibrationOptions& options,
                  const CalibrationSums& sums) {
  const int64_t bins = options.bins, groups = CalibrationGroups(options.score, maps.classes);
  Require(bins >= 1 && bins <= kMaxBins, "bins: expected 1 to ", kMaxBins, ", got ", bins);
  Require(std::ssize(options.edges) == bins + 1 || std::ssize(options.edges) == groups * (bins + 1),
          "edges: expected ", bins + 1, " or ", groups * (bins + 1), ", got ", options.edges.size());
  for (int64_t at = 0; at < std::ssize(options.edges); ++at) {
    const double edge = options.edges[at];
    if (at % (bins + 1) == 0)
      Require(edge == 0, "edges: expected 0 first, got ", edge);
    else
      Require(edge >= options.edges[at - 1], "edges: expected increasing numbers, got ", edge, " after ",
              options.edges[at - 1]);
    if (at % (bins + 1) == bins) Require(edge == 1, "edges: expected 1 last, got ", edge);
  }
  Require(!std::isnan(options.threshold), "threshold: expected a number, got NaN");
  Require(!options.objects || (maps.weights.empty() && !options.squares),
          "objects: not supported with weights, nor with squares");
  for (const std::span<double> sum : {sums.total, sums.dropped})
    Require(std::ssize(sum) == groups, "total: expected ", groups, " values, got ", sum.size());
  for (const std::span<double> sum : {sums.count, sums.confidence, sums.accuracy, sums.false_positive})
    Require(std::ssize(sum) == groups * bins, "sums: expected ", groups * bins, " values, got ", sum.size());
  Require(std::ssize(sums.squares) == (options.squares ? groups * bins : 0), "squares: expected ",
          options.squares ? groups * bins : 0, " values, got ", sums.squares.size());
}

}  // namespace

int64_t CalibrationGroups(Score score, int64_t classes) { return score == Score::kClasses ? classes : 1; }

void CheckBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
               std::span<const CalibrationSums> sums) {
  CheckMaps(maps);
  Require(options.size() == sums.size(), "sums: expected one for each of ", options.size(),
          " histograms, got ", sums.size());
  for (size_t h = 0; h < options.size(); ++h) CheckOptions(maps, options[h], sums[h]);
}

void CalibrationBins(const ProbabilityMaps& maps, std::span<const CalibrationOptions> options,
                     std::span<const CalibrationSums> sums) {
  CheckBins(maps, options, sums);
  HistogramPass pass(maps, options);
  ForChunks(maps, HistogramPass::kLeastBlocks, [&](int64_t chunk, BlockReader& reader) {
    HistogramPass::Chunk part(pass, chunk);
    RowRoom room;
    while (const ProbabilityBlock* block = reader.Next()) part.Add(*block, room, false);
    part.End();
  });
  pass.Write(sums);
}

}  // namespace pixelcal::cpu
