#include "soft_labels/soft_labels.h"

#include "binding/bindings.h"
#include "binding/label_options.h"
#include "binding/morphology_options.h"

namespace pixelcal {

SoftLabelOptions ReadSoftLabels(const Arguments& arguments, const Grid& grid) {
  SoftLabelOptions options;
  options.classes = arguments.Classes();
  options.aggregation = arguments.Choice<Aggregation>("aggregation", {{"weighted", Aggregation::kWeighted},
                                                                      {"largest", Aggregation::kLargest},
                                                                      {"smallest", Aggregation::kSmallest},
                                                                      {"median", Aggregation::kMedian},
                                                                      {"mode", Aggregation::kMode},
                                                                      {"any", Aggregation::kAny},
                                                                      {"all", Aggregation::kAll},
                                                                      {"majority", Aggregation::kMajority},
                                                                      {"gradient", Aggregation::kGradient},
                                                                      {"bilateral", Aggregation::kBilateral},
                                                                      {"image-l1", Aggregation::kImageL1},
                                                                      {"image-l2", Aggregation::kImageL2}});
  options.taps.clear();
  for (const double tap : arguments.Numbers("taps")) options.taps.push_back(static_cast<float>(tap));
  options.scale = static_cast<float>(arguments.Number("scale", 1));
  options.centre = static_cast<float>(arguments.Number("centre", 0));
  options.divisor = static_cast<float>(arguments.Number("divisor", 1));
  const int64_t dimensions = arguments.Integer("dimensions", grid.rank);
  Require(dimensions >= 1 && dimensions <= grid.rank, "dimensions: expected 1 to ", grid.rank, ", got ",
          dimensions);
  options.dimensions = static_cast<int>(dimensions);
  options.window_border =
      arguments.Choice<WindowBorder>("windowBorder", {{"background", WindowBorder::kBackground},
                                                      {"zero", WindowBorder::kZero},
                                                      {"replicate", WindowBorder::kReplicate},
                                                      {"reflect101", WindowBorder::kReflect101}});
  options.normalization =
      arguments.Choice<Normalization>("normalization", {{"window", Normalization::kWindow},
                                                        {"classes", Normalization::kClasses},
                                                        {"labels", Normalization::kLabels}});
  if (arguments.Has("op")) options.morphology = ReadMorphology(arguments);
  options.band = arguments.Flag("band", false);
  if (arguments.Has("ignore")) options.ignore = arguments.Integer("ignore");
  return options;
}

namespace {

Task SoftLabelsTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan labels = arguments.Labels("labels");
  const auto image = arguments.OptionalArray<float>("image");
  const Grid grid = arguments.ReadGrid();
  const SoftLabelOptions options = ReadSoftLabels(arguments, grid);
  RequireLength("labels", Size(labels), grid.Count());
  if (arguments.Has("image")) RequireLength("image", std::ssize(image), grid.Count());
  const auto out = arguments.Out<float>("out", CheckedProduct(grid.Count(), options.classes));
  return {[=] { PIXELCAL_ON(on_cuda, SoftLabels(labels, image, grid, options, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"softLabels", SoftLabelsTask}};

}  // namespace

std::span<const Entry> NeighborhoodBindings() { return kEntries; }

}  // namespace pixelcal
