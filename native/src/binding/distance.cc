#include "distance/distance.h"

#include "binding/bindings.h"

namespace pixelcal {
namespace {

Task DistanceTransform(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto mask = arguments.Array<uint8_t>("mask");
  const Grid grid = arguments.ReadGrid();
  RequireLength("mask", std::ssize(mask), grid.Count());
  DistanceOptions options;
  options.spacing = arguments.Spacing(grid);
  options.squared = arguments.Flag("squared", false);
  options.no_zero = arguments.Choice(
      "noZero", {{"infinity", NoZero::kInfinity}, {"reference", NoZero::kReference}}, options.no_zero);
  const auto out = arguments.Out<float>("out", grid.Count());
  return {[=] { PIXELCAL_ON(on_cuda, DistanceTransform(mask, grid, options, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"distanceTransform", DistanceTransform}};

}  // namespace

std::span<const Entry> DistanceBindings() { return kEntries; }

}  // namespace pixelcal
