#include "calibration/calibration.h"

#include <memory>

#include "binding/bindings.h"
#include "binding/probability_maps.h"
#include "overlap/confusion.h"

namespace pixelcal {
namespace {

// Reads all options but the edges.
void ReadOptions(const Arguments& arguments, CalibrationOptions& options) {
  options.score = ReadScore(arguments);
  options.closed = ReadClosed(arguments);
  options.include_lowest = arguments.Flag("includeLowest", true);
  options.bins = arguments.Integer("bins");
  options.threshold = static_cast<float>(arguments.Number("threshold", -1));
  Require(options.bins >= 1 && options.bins <= kMaxBins, "bins: expected 1 to ", kMaxBins, ", got ",
          options.bins);
}

Task EqualMassEdgesTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const ProbabilityMaps maps = ReadMaps(arguments);
  CalibrationOptions options;
  ReadOptions(arguments, options);
  const int64_t groups = cpu::CalibrationGroups(options.score, maps.classes);
  const auto edges = arguments.Out<double>("out", CheckedProduct(groups, options.bins + 1));
  return {[=] { PIXELCAL_ON(on_cuda, EqualMassEdges(maps, options, edges.span)); },
          [=](Napi::Env) { return edges.Value(); }};
}

// The arrays of one histogram's sums.
struct SumArrays {
  Output<double> total, dropped, count, confidence, accuracy, false_positive;
  std::optional<Output<double>> squares;

  SumArrays(Arguments& arguments, int64_t groups, int64_t cells, bool with_squares)
      : total(arguments.New<double>(groups)),
        dropped(arguments.New<double>(groups)),
        count(arguments.New<double>(cells)),
        confidence(arguments.New<double>(cells)),
        accuracy(arguments.New<double>(cells)),
        false_positive(arguments.New<double>(cells)),
        squares(with_squares ? std::optional(arguments.New<double>(cells)) : std::nullopt) {}

  CalibrationSums Spans() const {
    return {total.span,
            dropped.span,
            count.span,
            confidence.span,
            accuracy.span,
            false_positive.span,
            squares ? squares->span : std::span<double>()};
  }
  Napi::Object Value(Napi::Env env) const {
    auto sums = Napi::Object::New(env);
    sums.Set("total", total.Value());
    sums.Set("dropped", dropped.Value());
    sums.Set("count", count.Value());
    sums.Set("confidence", confidence.Value());
    sums.Set("accuracy", accuracy.Value());
    sums.Set("falsePositive", false_positive.Value());
    if (squares) sums.Set("squares", squares->Value());
    return sums;
  }
};

Task CalibrationBinsTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const ProbabilityMaps maps = ReadMaps(arguments);
  std::vector<CalibrationOptions> histograms;
  arguments.ForEach("histograms", [&](Arguments& histogram) {
    CalibrationOptions& options = histograms.emplace_back();
    ReadOptions(histogram, options);
    options.edges = histogram.Array<double>("edges");
    options.squares = histogram.Flag("squares", false);
  });
  std::vector<SumArrays> arrays;
  for (const CalibrationOptions& options : histograms) {
    const int64_t groups = cpu::CalibrationGroups(options.score, maps.classes);
    arrays.emplace_back(arguments, groups, CheckedProduct(groups, options.bins), options.squares);
  }
  return {[=] {
            std::vector<CalibrationSums> sums;
            for (const SumArrays& each : arrays) sums.push_back(each.Spans());
            PIXELCAL_ON(on_cuda, CalibrationBins(maps, histograms, sums));
          },
          [=](Napi::Env env) {
            auto results = Napi::Array::New(env, arrays.size());
            for (size_t i = 0; i < arrays.size(); ++i)
              results.Set(static_cast<uint32_t>(i), arrays[i].Value(env));
            return results;
          }};
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

constexpr Entry kEntries[] = {{"calibrationBins", CalibrationBinsTask},
                              {"equalMassEdges", EqualMassEdgesTask},
                              {"probabilityScores", ProbabilityScoresTask},
                              {"argMax", ArgMaxTask},
                              {"confusionCounts", ConfusionCountsTask}};

}  // namespace

std::span<const Entry> CalibrationBindings() { return kEntries; }

}  // namespace pixelcal
