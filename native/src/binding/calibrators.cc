#include <memory>

#include "binding/bindings.h"
#include "calibrators/boundary_depth.h"
#include "calibrators/calibrate.h"
#include "calibrators/linear_sums.h"
#include "calibrators/local_scales.h"
#include "calibrators/log_odds.h"
#include "calibrators/pack_pixels.h"
#include "calibrators/pixel_features.h"
#include "calibrators/scale_sums.h"

namespace pixelcal {
namespace {

// Reads the pixels of a fit; those of an application have no labels.
FitPixels ReadPixels(Arguments& arguments, bool labelled = true) {
  FitPixels pixels;
  pixels.logits = arguments.Array<float>("logits");
  if (labelled) pixels.labels = arguments.Array<uint16_t>("labels");
  pixels.cells = arguments.OptionalArray<uint16_t>("cells");
  pixels.fractions = arguments.OptionalArray<float>("fractions");
  pixels.weights = arguments.OptionalArray<float>("weights");
  pixels.class_weights = arguments.OptionalArray<double>("classWeights");
  pixels.classes = arguments.Classes();
  pixels.pixels = arguments.Integer("pixels");
  for (const double place : arguments.Numbers("ranges")) {
    Require(place == std::floor(place), "ranges: expected whole numbers, got ", place);
    pixels.ranges.push_back(static_cast<int64_t>(place));
  }
  Require(pixels.pixels >= 1, "pixels: expected at least 1, got ", pixels.pixels);
  cpu::CheckFitPixels(pixels);
  if (labelled) RequireLength("labels", std::ssize(pixels.labels), pixels.pixels);
  return pixels;
}

CalibratorForm ReadForm(Arguments& arguments) {
  CalibratorForm form;
  form.scales = arguments.OptionalArray<double>("scales");
  form.fields = arguments.OptionalArray<float>("fields");
  form.class_scales = arguments.OptionalArray<double>("classScales");
  form.mixing = arguments.OptionalArray<double>("mixing");
  form.shifts = arguments.OptionalArray<double>("shifts");
  form.beta = arguments.OptionalArray<double>("beta");
  form.levels = arguments.OptionalArray<double>("levels");
  form.mixture = arguments.OptionalArray<double>("mixture");
  form.floors = arguments.OptionalArray<double>("floors");
  if (arguments.Has("margin")) form.margin = arguments.Number("margin");
  form.log_probabilities = arguments.Has("leastLog");
  form.least_log = arguments.Number("leastLog", 0);
  form.keeps_labels = arguments.Flag("keepsLabels", false);
  return form;
}

Task BoundaryDepthTask(Arguments& arguments) {
  const LabelSpan labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  const auto growth = arguments.Array<uint8_t>("growth");
  RequireLength("labels", Size(labels), grid.Count());
  const auto depth = arguments.Out<uint8_t>("out", grid.Count());
  return {[=] { cpu::BoundaryDepth(labels, grid, growth, depth.span); },
          [=](Napi::Env) { return depth.Value(); }};
}

Task DepthCellsTask(Arguments& arguments) {
  const LabelSpan predicted = arguments.Labels("predicted");
  const auto depth = arguments.Array<uint8_t>("depth");
  const int64_t radius = arguments.Integer("radius"), sides = arguments.Integer("sides");
  const bool foreground = arguments.Flag("foreground", false);
  Require(radius >= 0 && radius <= 255, "radius: expected 0 to 255, got ", radius);
  Require(sides >= 1 && sides * (radius + 1) <= 65536, "sides: expected at most 65536 cells, got ",
          sides * (radius + 1));
  RequireLength("depth", std::ssize(depth), Size(predicted));
  const auto cells = arguments.New<uint16_t>(Size(predicted));
  return {[=] { cpu::DepthCells(predicted, depth, radius, foreground, cells.span); },
          [=](Napi::Env) { return cells.Value(); }};
}

CasePixels ReadCase(Arguments& arguments) {
  CasePixels pixels;
  pixels.logits = arguments.Floats("logits");
  pixels.labels = arguments.Labels("labels");
  pixels.cells = arguments.Array<uint16_t>("cells");
  pixels.depth = arguments.OptionalArray<uint8_t>("depth");
  pixels.classes = arguments.Classes();
  pixels.pixels = arguments.Integer("pixels");
  pixels.band = arguments.Integer("band", 0);
  if (arguments.Has("ignore")) pixels.ignore = arguments.Integer("ignore");
  return pixels;
}

Task CountPixelsTask(Arguments& arguments) {
  const CasePixels pixels = ReadCase(arguments);
  const int64_t cells = arguments.Integer("count");
  Require(cells >= 1 && cells <= 65536, "count: expected 1 to 65536 cells, got ", cells);
  const auto by_cell = arguments.New<double>(cells), by_label = arguments.New<double>(pixels.classes);
  return {[=] { cpu::CountPixels(pixels, by_cell.span, by_label.span); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("byCell", by_cell.Value());
            result.Set("byLabel", by_label.Value());
            return result;
          }};
}

Task PackPixelsTask(Arguments& arguments) {
  const CasePixels pixels = ReadCase(arguments);
  const auto rates = arguments.Array<double>("rates");
  const int64_t kept = arguments.Integer("kept");
  Require(kept >= 0 && kept <= pixels.pixels, "kept: expected 0 to ", pixels.pixels, ", got ", kept);
  const auto logits = arguments.New<float>(CheckedProduct(pixels.classes, kept));
  const auto labels = arguments.New<uint16_t>(kept), cells = arguments.New<uint16_t>(kept);
  const auto weights = arguments.New<float>(kept);
  const bool located = arguments.Flag("located", false);
  const auto at = arguments.New<int32_t>(located ? kept : 0);
  return {[=] {
            const int64_t packed =
                cpu::PackPixels(pixels, rates, {logits.span, labels.span, cells.span, weights.span, at.span});
            Require(packed == kept, "kept: expected ", packed, " pixels, got ", kept);
          },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("logits", logits.Value());
            result.Set("labels", labels.Value());
            result.Set("cells", cells.Value());
            result.Set("weights", weights.Value());
            if (located) result.Set("at", at.Value());
            return result;
          }};
}

Task ScaleSumsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  const auto scales = arguments.Array<double>("scales");
  const auto sums = arguments.New<double>(CheckedProduct(std::ssize(scales), cpu::kScaleSums));
  return {[=] { cpu::ScaleSums(pixels, scales, sums.span); }, [=](Napi::Env) { return sums.Value(); }};
}

Task CalibrateTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments, false);
  const CalibratorForm form = ReadForm(arguments);
  const bool as_logits = arguments.Flag("asLogits", false);
  const auto out = arguments.Out<float>("out", std::ssize(pixels.logits));
  return {[=] { cpu::Calibrate(pixels, form, as_logits, out.span); }, [=](Napi::Env) { return out.Value(); }};
}

Task CalibratedLossTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  const CalibratorForm form = ReadForm(arguments);
  const auto sums = arguments.New<double>(std::ssize(pixels.ranges));
  return {[=] {
            const std::vector<LossSums> all = cpu::CalibratedLoss(pixels, form);
            for (size_t r = 0; r < all.size(); ++r) {
              sums.span[2 * r] = all[r].weight;
              sums.span[2 * r + 1] = all[r].loss;
            }
          },
          [=](Napi::Env) { return sums.Value(); }};
}

Task FloorSumsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  const CalibratorForm form = ReadForm(arguments);
  const auto sums = arguments.New<double>(3 * std::ssize(form.floors));
  return {[=] { cpu::FloorSums(pixels, form, sums.span); }, [=](Napi::Env) { return sums.Value(); }};
}

Task MixtureSumsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  const CalibratorForm form = ReadForm(arguments);
  const auto sums = arguments.New<double>(13);
  return {[=] { cpu::MixtureSums(pixels, form, sums.span); }, [=](Napi::Env) { return sums.Value(); }};
}

Task LinearSumsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  LinearModel model;
  model.kind = arguments.Choice<LinearKind>(
      "kind",
      {{"affine", LinearKind::kAffine}, {"vector", LinearKind::kVector}, {"matrix", LinearKind::kMatrix}});
  model.parameters = arguments.Array<double>("parameters");
  model.log_probabilities = arguments.Has("leastLog");
  model.least_log = arguments.Number("leastLog", 0);
  const int64_t count = cpu::LinearParameters(model.kind, pixels.classes);
  const auto sums = arguments.New<double>(
      CheckedProduct(std::ssize(model.parameters) / count, 2 + count + CheckedProduct(count, count)));
  return {[=] { cpu::LinearSums(pixels, model, sums.span); }, [=](Napi::Env) { return sums.Value(); }};
}

Task LevelSumsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  const auto sums = arguments.New<double>(pixels.classes * kLevels * 3);
  return {[=] { cpu::LevelSums(pixels, sums.span); }, [=](Napi::Env) { return sums.Value(); }};
}

Task EntropyPlacesTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments, false);
  const auto knots = arguments.Array<double>("knots");
  const auto cells = arguments.New<uint16_t>(pixels.pixels);
  const auto fractions = arguments.New<float>(pixels.pixels);
  return {[=] { cpu::EntropyPlaces(pixels, knots, cells.span, fractions.span); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("cells", cells.Value());
            result.Set("fractions", fractions.Value());
            return result;
          }};
}

Task MeanEntropyTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments, false);
  const auto mean = std::make_shared<double>();
  return {[=] { *mean = cpu::MeanEntropy(pixels); },
          [=](Napi::Env env) { return Napi::Number::New(env, *mean); }};
}

Task WrongnessSumsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  const auto weights = arguments.Array<double>("classifier");
  const auto sums = arguments.New<double>(22);
  return {[=] { cpu::WrongnessSums(pixels, weights, sums.span); }, [=](Napi::Env) { return sums.Value(); }};
}

Task WrongnessCellsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments, false);
  const auto weights = arguments.Array<double>("classifier");
  const auto cells = arguments.New<uint16_t>(pixels.pixels);
  return {[=] { cpu::WrongnessCells(pixels, weights, cells.span); },
          [=](Napi::Env) { return cells.Value(); }};
}

LogitImage ReadImage(Arguments& arguments) {
  return {arguments.Array<float>("logits"), arguments.ReadGrid(), arguments.Classes()};
}

FilterTaps ReadTaps(const Arguments& arguments) {
  return {arguments.Integer("taps"), arguments.Integer("dilation")};
}

Task NeighbourhoodsTask(Arguments& arguments) {
  const LogitImage image = ReadImage(arguments);
  const FilterTaps taps = ReadTaps(arguments);
  const auto at = arguments.Array<int32_t>("at");
  const int64_t inputs = cpu::FilterInputs(taps, image.classes, image.grid.rank);
  const auto out = arguments.New<float>(CheckedProduct(inputs, std::ssize(at)));
  return {[=] { cpu::Neighbourhoods(image, taps, at, out.span); }, [=](Napi::Env) { return out.Value(); }};
}

Task LocalScalesTask(Arguments& arguments) {
  const LogitImage image = ReadImage(arguments);
  const FilterTaps taps = ReadTaps(arguments);
  const auto parameters = arguments.Array<double>("filters");
  const auto at = arguments.OptionalArray<int32_t>("at");
  const bool all = !arguments.Has("at");
  const auto out = arguments.New<float>(all ? image.grid.Pixels() : std::ssize(at));
  return {[=] {
            if (all || !at.empty()) cpu::LocalScales(image, taps, parameters, at, out.span);
          },
          [=](Napi::Env) { return out.Value(); }};
}

Task LocalSumsTask(Arguments& arguments) {
  const FitPixels pixels = ReadPixels(arguments);
  const auto neighbourhoods = arguments.Array<float>("neighbourhoods");
  const auto parameters = arguments.Array<double>("filters");
  const auto sums = arguments.New<double>(2 + std::ssize(parameters));
  return {[=] { cpu::LocalSums(pixels, neighbourhoods, parameters, sums.span); },
          [=](Napi::Env) { return sums.Value(); }};
}

constexpr Entry kEntries[] = {{"boundaryDepth", BoundaryDepthTask},   {"depthCells", DepthCellsTask},
                              {"countPixels", CountPixelsTask},       {"packPixels", PackPixelsTask},
                              {"scaleSums", ScaleSumsTask},           {"calibrate", CalibrateTask},
                              {"calibratedLoss", CalibratedLossTask}, {"floorSums", FloorSumsTask},
                              {"mixtureSums", MixtureSumsTask},       {"linearSums", LinearSumsTask},
                              {"levelSums", LevelSumsTask},           {"entropyPlaces", EntropyPlacesTask},
                              {"meanEntropy", MeanEntropyTask},       {"wrongnessSums", WrongnessSumsTask},
                              {"wrongnessCells", WrongnessCellsTask}, {"neighbourhoods", NeighbourhoodsTask},
                              {"localScales", LocalScalesTask},       {"localSums", LocalSumsTask}};

}  // namespace

std::span<const Entry> CalibratorBindings() { return kEntries; }

}  // namespace pixelcal
