#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/shape.h"

namespace pixelcal {

inline constexpr int64_t kMaxFitClasses = 1024;

// The pixels a calibrator is fitted on, of many cases one after the other. Logits are finite, labels below
// `classes`.
struct FitPixels {
  std::span<const float> logits;  // [classes, pixels]
  std::span<const uint16_t> labels;
  std::span<const uint16_t> cells;        // empty: all pixels are in cell 0
  std::span<const float> fractions;       // empty: 0; the way from the pixel's cell to the next
  std::span<const float> weights;         // empty: all 1
  std::span<const double> class_weights;  // by label, a factor of the weight; empty: all 1
  int64_t classes = 1, pixels = 1;
  std::vector<int64_t> ranges;  // the pixels that count: begin, end, begin, end ...

  double Weight(int64_t i) const {
    return (weights.empty() ? 1.0 : static_cast<double>(weights[i])) *
           (class_weights.empty() ? 1.0 : class_weights[labels[i]]);
  }
};

namespace cpu {

inline constexpr int64_t kFitBlock = 512;  // rows of doubles of a few classes stay in the second-level cache

// Sums that belong to cells, to be added element by element.
struct CellSums {
  std::vector<double> values;
  int64_t Size() const { return std::max<int64_t>(1, std::ssize(values)); }
  void operator+=(const CellSums& other) {
    for (size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
  }
};

// A run of pixels inside one range, at most kFitBlock of them.
struct FitRun {
  int64_t range, start, count;
};

inline void CheckFitPixels(const FitPixels& pixels) {
  const auto check = [&](const char* name, size_t length) {
    Require(length == 0 || static_cast<int64_t>(length) == pixels.pixels, name, ": expected ", pixels.pixels,
            " values, got ", length);
  };
  Require(pixels.classes >= 1 && pixels.classes <= kMaxFitClasses, "classes: expected 1 to ", kMaxFitClasses,
          ", got ", pixels.classes);
  Require(std::ssize(pixels.logits) == CheckedProduct(pixels.classes, pixels.pixels), "logits: expected ",
          pixels.classes * pixels.pixels, " values, got ", pixels.logits.size());
  check("labels", pixels.labels.size());
  check("cells", pixels.cells.size());
  check("fractions", pixels.fractions.size());
  check("weights", pixels.weights.size());
  Require(pixels.class_weights.empty() || std::ssize(pixels.class_weights) == pixels.classes,
          "classWeights: expected ", pixels.classes, " values, got ", pixels.class_weights.size());
  Require(pixels.ranges.size() % 2 == 0, "ranges: expected pairs, got ", pixels.ranges.size());
  for (size_t r = 0; r < pixels.ranges.size(); r += 2)
    Require(pixels.ranges[r] >= 0 && pixels.ranges[r] <= pixels.ranges[r + 1] &&
                pixels.ranges[r + 1] <= pixels.pixels,
            "ranges: expected pixels 0 to ", pixels.pixels, ", got ", pixels.ranges[r], " to ",
            pixels.ranges[r + 1]);
}

// Calls body(run, sums) for all runs on any thread, each chunk of runs with sums of its own (made by `Sums()`
// from `zero`), and returns them added in order by `+=`: the same bits at any thread count.
template <class Sums, class Body>
std::vector<Sums> SumRuns(const FitPixels& pixels, const Sums& zero, bool by_range, const Body& body) {
  constexpr int64_t kMostChunks = 128, kMostNumbers = int64_t{1} << 22;
  std::vector<FitRun> runs;
  for (size_t r = 0; r < pixels.ranges.size(); r += 2)
    for (int64_t at = pixels.ranges[r]; at < pixels.ranges[r + 1]; at += kFitBlock)
      runs.push_back({static_cast<int64_t>(r / 2), at, std::min(kFitBlock, pixels.ranges[r + 1] - at)});
  const auto count = static_cast<int64_t>(runs.size());
  const int64_t chunks = std::clamp(kMostNumbers / zero.Size(), int64_t{4}, kMostChunks);
  const int64_t grain = std::max<int64_t>(16, (count + chunks - 1) / chunks);
  // A chunk may lie in several ranges: it keeps sums for each of them.
  struct Part {
    int64_t range;
    Sums sums;
  };
  std::vector<std::vector<Part>> parts(static_cast<size_t>((count + grain - 1) / grain));
  ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
    std::vector<Part>& mine = parts[begin / grain];
    for (int64_t i = begin; i < end; ++i) {
      const int64_t range = by_range ? runs[i].range : 0;
      if (mine.empty() || mine.back().range != range) mine.push_back({range, zero});
      body(runs[i], mine.back().sums);
    }
  });
  std::vector<Sums> all(by_range ? pixels.ranges.size() / 2 : 1, zero);
  for (const auto& chunk : parts)
    for (const Part& part : chunk) all[part.range] += part.sums;
  return all;
}

}  // namespace cpu
}  // namespace pixelcal
