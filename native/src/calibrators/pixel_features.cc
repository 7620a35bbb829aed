// Entropies and other measures of confidence, block by block from softmax(z): O(classes x pixels).
#include "calibrators/pixel_features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/scratch.h"
#include "calibrators/log_odds.h"
#include "calibrators/softmax_loops.h"

namespace pixelcal::cpu {
namespace {

// Softmax of one run of pixels.
struct Softmax {
  double *z, *p;
  std::array<double, kFitBlock> normalizer;
  std::array<uint16_t, kFitBlock> top;
  int64_t classes;

  Softmax(const FitPixels& pixels, const FitRun& run)
      : z(Scratch<double, struct FeatureLogits>(static_cast<size_t>(pixels.classes * kFitBlock))),
        p(Scratch<double, struct FeatureProbabilities>(static_cast<size_t>(pixels.classes * kFitBlock))),
        classes(pixels.classes) {
    SoftmaxLoops().centre(pixels.logits.data() + run.start, pixels.pixels, classes, run.count, z, kFitBlock,
                          top.data());
    SoftmaxLoops().log_softmax(z, kFitBlock, classes, run.count, p, normalizer.data());
  }
  double Entropy(int64_t i) const {
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c)
      sum -= p[c * kFitBlock + i] * (z[c * kFitBlock + i] - normalizer[i]);
    return sum;
  }
  double LogEntropy(int64_t i) const { return std::log(std::max(Entropy(i), std::exp(kLeastLogEntropy))); }
  std::array<double, 4> Features(int64_t i) const {
    double second = -HUGE_VAL;
    for (int64_t c = 0; c < classes; ++c)
      if (c != top[i]) second = std::max(second, z[c * kFitBlock + i]);
    return {1, ClippedLogOdds(p + i, kFitBlock, classes, top[i]), LogEntropy(i),
            z[top[i] * kFitBlock + i] - second};
  }
};

// Calls body(run) for all pixels.
template <class Body>
void ForAll(const FitPixels& pixels, const Body& body) {
  ParallelFor((pixels.pixels + kFitBlock - 1) / kFitBlock, 8, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item)
      body(FitRun{0, item * kFitBlock, std::min(kFitBlock, pixels.pixels - item * kFitBlock)});
  });
}

double Dot(const std::array<double, 4>& features, std::span<const double> weights) {
  double sum = 0;
  for (size_t j = 0; j < 4; ++j) sum += features[j] * weights[j];
  return sum;
}

}  // namespace

void EntropyPlaces(const FitPixels& pixels, std::span<const double> knots, std::span<uint16_t> cells,
                   std::span<float> fractions) {
  CheckFitPixels(pixels);
  Require(knots.size() >= 2 && std::ranges::is_sorted(knots, std::less_equal<>()),
          "knots: expected at least two, ascending");
  Require(std::ssize(cells) == pixels.pixels && std::ssize(fractions) == pixels.pixels, "cells: expected ",
          pixels.pixels, " pixels, got ", cells.size());
  ForAll(pixels, [&](const FitRun& run) {
    const Softmax softmax(pixels, run);
    for (int64_t i = 0; i < run.count; ++i) {
      const double x = std::clamp(softmax.LogEntropy(i), knots.front(), knots.back());
      const auto above = std::ranges::upper_bound(knots.begin() + 1, knots.end() - 1, x) - knots.begin();
      cells[run.start + i] = static_cast<uint16_t>(above - 1);
      fractions[run.start + i] =
          static_cast<float>((x - knots[above - 1]) / (knots[above] - knots[above - 1]));
    }
  });
}

double MeanEntropy(const FitPixels& pixels) {
  FitPixels all = pixels;
  all.ranges = {0, pixels.pixels};
  CheckFitPixels(all);
  const auto sums = SumRuns(all, CellSums{{0}}, false, [&](const FitRun& run, CellSums& chunk) {
    const Softmax softmax(all, run);
    for (int64_t i = 0; i < run.count; ++i) chunk.values[0] += softmax.Entropy(i);
  });
  return sums[0].values[0] / static_cast<double>(pixels.pixels);
}

void WrongnessSums(const FitPixels& pixels, std::span<const double> weights, std::span<double> sums) {
  CheckFitPixels(pixels);
  Require(weights.size() == 4 && sums.size() == 22, "weights: expected 4 values, got ", weights.size());
  const auto all =
      SumRuns(pixels, CellSums{std::vector<double>(22)}, false, [&](const FitRun& run, CellSums& chunk) {
        const Softmax softmax(pixels, run);
        for (int64_t i = 0; i < run.count; ++i) {
          const double weight = pixels.Weight(run.start + i);
          const std::array<double, 4> x = softmax.Features(i);
          const double wrong = softmax.top[i] != pixels.labels[run.start + i], u = Dot(x, weights);
          const double q = 1 / (1 + std::exp(-u));
          chunk.values[0] += weight;
          chunk.values[1] += weight * (std::max(u, 0.0) + std::log1p(std::exp(-std::abs(u))) - wrong * u);
          for (size_t j = 0; j < 4; ++j) {
            chunk.values[2 + j] += weight * (q - wrong) * x[j];
            for (size_t k = 0; k < 4; ++k) chunk.values[6 + 4 * j + k] += weight * q * (1 - q) * x[j] * x[k];
          }
        }
      });
  std::ranges::copy(all[0].values, sums.begin());
}

void WrongnessCells(const FitPixels& pixels, std::span<const double> weights, std::span<uint16_t> cells) {
  CheckFitPixels(pixels);
  Require(weights.size() == 4, "weights: expected 4 values, got ", weights.size());
  ForAll(pixels, [&](const FitRun& run) {
    const Softmax softmax(pixels, run);
    for (int64_t i = 0; i < run.count; ++i) cells[run.start + i] = Dot(softmax.Features(i), weights) > 0;
  });
}

void LevelSums(const FitPixels& pixels, std::span<double> sums) {
  CheckFitPixels(pixels);
  const auto length = static_cast<size_t>(pixels.classes * kLevels * 3);
  Require(sums.size() == length, "sums: expected ", length, " values, got ", sums.size());
  const auto all =
      SumRuns(pixels, CellSums{std::vector<double>(length)}, false, [&](const FitRun& run, CellSums& chunk) {
        const Softmax softmax(pixels, run);
        for (int64_t c = 0; c < pixels.classes; ++c)
          for (int64_t i = 0; i < run.count; ++i) {
            const double x = ClippedLogOdds(softmax.p + i, kFitBlock, pixels.classes, c);
            const double weight = pixels.Weight(run.start + i);
            double* at = chunk.values.data() + (c * kLevels + LogOddsLevel(x)) * 3;
            at[0] += weight;
            at[1] += pixels.labels[run.start + i] == c ? weight : 0;
            at[2] += weight * x;
          }
      });
  std::ranges::copy(all[0].values, sums.begin());
}

}  // namespace pixelcal::cpu
