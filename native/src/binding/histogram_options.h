#pragma once

#include <memory>
#include <span>
#include <vector>

#include "binding/arguments.h"
#include "calibration/calibration.h"

namespace pixelcal {

// Reads all options of a histogram but the edges.
void ReadBinning(const Arguments& arguments, CalibrationOptions& options);

// Histograms whose edges live here.
struct Histograms {
  std::vector<CalibrationOptions> options;
  std::vector<std::vector<double>> edges;
};
// Reads `histograms`: an array, each with its edges or a `comparison` for bins of equal width, or a plan.
std::shared_ptr<const Histograms> ReadHistograms(Arguments& arguments);
// Returns an object that holds histograms, for calls that have the same ones: a plan.
Napi::Value HistogramPlan(Napi::Env env, std::shared_ptr<const Histograms> histograms);

// The sums of histograms lie in one block, one histogram after the other: total and dropped per group, then
// count, confidence, accuracy, false positives and, if wanted, squares per group and bin.
int64_t HistogramLength(std::span<const CalibrationOptions> histograms, int64_t classes);
std::vector<CalibrationSums> HistogramSums(std::span<const CalibrationOptions> histograms, int64_t classes,
                                           std::span<double> block);

}  // namespace pixelcal
