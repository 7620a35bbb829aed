#include "calibration/calibration.h"

#include <memory>

#include "binding/bindings.h"
#include "binding/histogram_options.h"
#include "binding/probability_maps.h"
#include "calibration/smooth_error.h"
#include "overlap/confusion.h"

namespace pixelcal {
namespace {

Task EqualMassEdgesTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const ProbabilityMaps maps = ReadMaps(arguments);
  CalibrationOptions options;
  ReadBinning(arguments, options);
  const int64_t groups = cpu::CalibrationGroups(options.score, maps.classes);
  const auto edges = arguments.Out<double>("out", CheckedProduct(groups, options.bins + 1));
  return {[=] { PIXELCAL_ON(on_cuda, EqualMassEdges(maps, options, edges.span)); },
          [=](Napi::Env) { return edges.Value(); }};
}

Task CalibrationBinsTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const ProbabilityMaps maps = ReadMaps(arguments);
  const auto histograms = ReadHistograms(arguments);
  const auto block = arguments.New<double>(HistogramLength(histograms->options, maps.classes));
  return {[=] {
            const auto& options = histograms->options;
            const auto sums = HistogramSums(options, maps.classes, block.span);
            PIXELCAL_ON(on_cuda, CalibrationBins(maps, options, sums));
          },
          [=](Napi::Env) { return block.Value(); }};
}

Task HistogramPlanTask(Arguments& arguments) {
  const auto histograms = ReadHistograms(arguments);
  return {[] {}, [=](Napi::Env env) { return HistogramPlan(env, histograms); }};
}

Task ProbabilityScoresTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const ProbabilityMaps maps = ReadMaps(arguments);
  const double floor = arguments.Number("floor", 0);
  const auto sums = std::make_shared<ProbabilityScoreSums>();
  return {[=] { *sums = PIXELCAL_ON(on_cuda, ProbabilityScores(maps, floor)); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("total", sums->total);
            result.Set("brier", sums->brier);
            result.Set("logLoss", sums->log_loss);
            result.Set("bounded", sums->bounded);
            return result;
          }};
}

Task ArgMaxTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const FloatSpan values = arguments.Floats("values");
  const int64_t batch = arguments.Integer("batch", 1), classes = arguments.Classes(),
                pixels = arguments.Integer("pixels");
  Require(batch >= 1 && classes >= 1 && pixels >= 1, "size: expected at least 1, got ", batch, " x ", classes,
          " x ", pixels);
  const int64_t count = CheckedProduct(batch, pixels);
  RequireLength("values", Size(values), CheckedProduct(count, classes));
  const auto run = [=](const auto& out) -> Task {
    return {[=] { PIXELCAL_ON(on_cuda, ArgMax(values, batch, classes, pixels, out.span)); },
            [=](Napi::Env) { return out.Value(); }};
  };
  if (classes <= 256) return run(arguments.Out<uint8_t>("out", count));
  return run(arguments.Out<int32_t>("out", count));
}

Task ConfusionCountsTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan predicted = arguments.Labels("predicted"), labels = arguments.Labels("labels");
  const int64_t batch = arguments.Integer("batch", 1), classes = arguments.Classes(),
                pixels = arguments.Integer("pixels");
  const auto ignore = OptionalInteger(arguments, "ignore");
  const auto mask = arguments.OptionalArray<uint8_t>("mask");
  Require(batch >= 1 && classes >= 1 && pixels >= 1, "size: expected at least 1, got ", batch, " x ", classes,
          " x ", pixels);
  const int64_t all = CheckedProduct(batch, pixels);
  RequireLength("predicted", Size(predicted), all);
  RequireLength("labels", Size(labels), all);
  if (arguments.Has("mask")) RequireLength("mask", std::ssize(mask), all);
  const auto counts = arguments.Out<double>("out", CheckedProduct(batch, CheckedProduct(classes, classes)));
  return {[=] {
            PIXELCAL_ON(on_cuda, ConfusionCounts(predicted, labels, batch, classes, pixels, ignore, mask,
                                                 counts.span));
          },
          [=](Napi::Env) { return counts.Value(); }};
}

Task SmoothCalibrationErrorTask(Arguments& arguments) {
  cpu::SmoothErrorBins bins;
  bins.count = arguments.Array<double>("count");
  bins.confidence = arguments.Array<double>("confidence");
  bins.accuracy = arguments.Array<double>("accuracy");
  bins.total = arguments.Number("total");
  const auto error = std::make_shared<double>();
  return {[=] { *error = cpu::SmoothCalibrationError(bins); },
          [=](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *error); }};
}

constexpr Entry kEntries[] = {{"calibrationBins", CalibrationBinsTask},
                              {"histogramPlan", HistogramPlanTask},
                              {"equalMassEdges", EqualMassEdgesTask},
                              {"probabilityScores", ProbabilityScoresTask},
                              {"argMax", ArgMaxTask},
                              {"confusionCounts", ConfusionCountsTask},
                              {"smoothCalibrationError", SmoothCalibrationErrorTask}};

}  // namespace

std::span<const Entry> CalibrationBindings() { return kEntries; }

}  // namespace pixelcal
