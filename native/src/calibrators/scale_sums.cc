// One pass over the logits in blocks: vector loops compute loss and derivatives per pixel, then each pixel
// adds to its cell. Chunks have sums of their own, which are added in order.
#include "calibrators/scale_sums.h"

#include <algorithm>
#include <array>

#include "calibrators/softmax_loops.h"

namespace pixelcal::cpu {
void ScaleSums(const FitPixels& pixels, std::span<const double> scales, std::span<double> sums) {
  CheckFitPixels(pixels);
  const auto cells = std::ssize(scales);
  Require(cells >= 1 && std::ssize(sums) == cells * kScaleSums, "sums: expected ", cells * kScaleSums,
          " values, got ", sums.size());
  Require(std::ranges::all_of(scales, [](double a) { return a > 0; }), "scales: expected positive numbers");
  const bool split = !pixels.fractions.empty();
  const int64_t last = cells - 1 - (split ? 1 : 0);
  Require(std::ranges::all_of(pixels.cells, [&](uint16_t k) { return k <= last; }) && last >= 0,
          "cells: expected 0 to ", last);
  const CellSums zero{std::vector<double>(sums.size())};
  const auto all = SumRuns(pixels, zero, false, [&](const FitRun& run, CellSums& chunk) {
    alignas(64) std::array<double, kFitBlock> scale, loss, gradient, hessian;
    const auto cell = [&](int64_t i) { return pixels.cells.empty() ? 0 : pixels.cells[run.start + i]; };
    for (int64_t i = 0; i < run.count; ++i) {
      scale[i] = scales[cell(i)];
      if (!split) continue;
      const double t = pixels.fractions[run.start + i];
      scale[i] = (1 - t) * scale[i] + t * scales[cell(i) + 1];
    }
    SoftmaxLoops().scaled_loss(pixels.logits.data() + run.start, pixels.pixels, pixels.classes, scale.data(),
                               pixels.labels.data() + run.start, run.count, loss.data(), gradient.data(),
                               hessian.data());
    for (int64_t i = 0; i < run.count; ++i) {
      const double weight = pixels.Weight(run.start + i);
      double* at = chunk.values.data() + cell(i) * kScaleSums;
      at[0] += weight;
      at[1] += weight * loss[i];
      if (!split) {
        at[2] += weight * gradient[i];
        at[3] += weight * hessian[i];
        continue;
      }
      const double t = pixels.fractions[run.start + i], rest = 1 - t;
      at[2] += weight * rest * gradient[i];
      at[3] += weight * rest * rest * hessian[i];
      at[4] += weight * rest * t * hessian[i];
      at[kScaleSums + 2] += weight * t * gradient[i];
      at[kScaleSums + 3] += weight * t * t * hessian[i];
    }
  });
  std::ranges::copy(all[0].values, sums.begin());
}

}  // namespace pixelcal::cpu
