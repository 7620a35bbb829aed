#include "binding/histogram_options.h"

#include "binding/probability_maps.h"

namespace pixelcal {
namespace {

using Shared = std::shared_ptr<const Histograms>;

// The tag that distinguishes plans from other objects.
constexpr napi_type_tag kTag{0x2f7d93b1c04e6a58, 0x81c5e62af39b7d04};

void Finalize(napi_env, void* data, void*) { delete static_cast<Shared*>(data); }

// Returns the histograms of a plan; null for any other value.
Shared HistogramsOf(Napi::Env env, Napi::Value value) {
  bool ours = false;
  if (!value.IsObject() || napi_check_object_type_tag(env, value, &kTag, &ours) != napi_ok || !ours)
    return nullptr;
  void* data = nullptr;
  return napi_unwrap(env, value, &data) == napi_ok ? *static_cast<Shared*>(data) : nullptr;
}

}  // namespace

void ReadBinning(const Arguments& arguments, CalibrationOptions& options) {
  options.score = ReadScore(arguments);
  options.closed = ReadClosed(arguments);
  options.include_lowest = arguments.Flag("includeLowest", true);
  options.bins = arguments.Integer("bins");
  options.threshold = static_cast<float>(arguments.Number("threshold", -1));
  Require(options.bins >= 1 && options.bins <= kMaxBins, "bins: expected 1 to ", kMaxBins, ", got ",
          options.bins);
}

// Returns the edges i / bins as numpy.linspace makes them: i times the rounded step, and 1 at the end.
static std::vector<double> EqualWidths(int64_t bins, bool in_float) {
  std::vector<double> edges(static_cast<size_t>(bins + 1), 1.0);
  const double step = 1 / static_cast<double>(bins);
  for (int64_t i = 0; i < bins; ++i) {
    const double edge = static_cast<double>(i) * step;
    edges[static_cast<size_t>(i)] = in_float ? static_cast<double>(static_cast<float>(edge)) : edge;
  }
  return edges;
}

Shared ReadHistograms(Arguments& arguments) {
  if (Shared planned = HistogramsOf(arguments.env(), arguments.Raw("histograms"))) return planned;
  const auto found = std::make_shared<Histograms>();
  Histograms& histograms = *found;
  arguments.ForEach("histograms", [&](Arguments& histogram) {
    CalibrationOptions& options = histograms.options.emplace_back();
    ReadBinning(histogram, options);
    options.squares = histogram.Flag("squares", false);
    options.objects = histogram.Flag("objects", false);
    if (histogram.Has("edges")) {
      const auto edges = histogram.Array<double>("edges");
      histograms.edges.emplace_back(edges.begin(), edges.end());
    } else {
      const bool in_float = histogram.Choice("comparison", {{"float64", false}, {"float32", true}}, false);
      histograms.edges.push_back(EqualWidths(options.bins, in_float));
    }
  });
  for (size_t h = 0; h < histograms.options.size(); ++h) histograms.options[h].edges = histograms.edges[h];
  return found;
}

Napi::Value HistogramPlan(Napi::Env env, std::shared_ptr<const Histograms> histograms) {
  auto shared = std::make_unique<Shared>(std::move(histograms));
  auto plan = Napi::Object::New(env);
  NAPI_THROW_IF_FAILED(env, napi_type_tag_object(env, plan, &kTag), plan);
  NAPI_THROW_IF_FAILED(env, napi_wrap(env, plan, shared.get(), Finalize, nullptr, nullptr), plan);
  shared.release();
  return plan;
}

int64_t HistogramLength(std::span<const CalibrationOptions> histograms, int64_t classes) {
  int64_t length = 0;
  for (const CalibrationOptions& options : histograms) {
    const int64_t groups = cpu::CalibrationGroups(options.score, classes);
    length += CheckedProduct(groups, 2 + (options.squares ? 5 : 4) * options.bins);
  }
  return length;
}

std::vector<CalibrationSums> HistogramSums(std::span<const CalibrationOptions> histograms, int64_t classes,
                                           std::span<double> block) {
  std::vector<CalibrationSums> sums;
  size_t at = 0;
  const auto next = [&](int64_t length) {
    const std::span<double> part = block.subspan(at, static_cast<size_t>(length));
    at += part.size();
    return part;
  };
  for (const CalibrationOptions& options : histograms) {
    const int64_t groups = cpu::CalibrationGroups(options.score, classes), cells = groups * options.bins;
    CalibrationSums& each = sums.emplace_back();
    each.total = next(groups);
    each.dropped = next(groups);
    each.count = next(cells);
    each.confidence = next(cells);
    each.accuracy = next(cells);
    each.false_positive = next(cells);
    each.squares = next(options.squares ? cells : 0);
  }
  return sums;
}

}  // namespace pixelcal
