#include "soft_labels/boundary_soft_labels.h"

#include "binding/bindings.h"

namespace pixelcal {
namespace {

Task BoundarySoftLabels(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  BoundarySoftLabelOptions options;
  options.classes = arguments.Classes();
  options.spacing = arguments.Spacing(grid);
  options.scale = arguments.Number("scale", options.scale);
  options.floor = arguments.Number("floor", options.floor);
  if (arguments.Has("ignore")) options.ignore = arguments.Integer("ignore");
  RequireLength("labels", Size(labels), grid.Count());
  const auto out = arguments.Out<float>("out", CheckedProduct(grid.Count(), options.classes));
  return {[=] { PIXELCAL_ON(on_cuda, BoundarySoftLabels(labels, grid, options, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"boundarySoftLabels", BoundarySoftLabels}};

}  // namespace

std::span<const Entry> BoundarySoftLabelBindings() { return kEntries; }

}  // namespace pixelcal
