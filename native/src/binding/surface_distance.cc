#include "surface/surface_distance.h"

#include "binding/bindings.h"
#include "binding/probability_maps.h"
#include "binding/surface_options.h"

namespace pixelcal {
namespace {

Task SurfaceDistances(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto a = arguments.Array<uint8_t>("a");
  const auto b = arguments.Array<uint8_t>("b");
  const Grid grid = arguments.ReadGrid();
  RequireLength("a", std::ssize(a), grid.Count());
  RequireLength("b", std::ssize(b), grid.Count());
  SurfaceOptions options = ReadSurface(arguments, grid);
  options.tolerance = arguments.Number("tolerance", options.tolerance);
  const auto measures = std::make_shared<std::vector<SurfaceMeasures>>(static_cast<size_t>(grid.batch));
  return {[=] { PIXELCAL_ON(on_cuda, SurfaceDistances(a, b, grid, options, *measures)); },
          [=](Napi::Env env) { return MeasuresValue(env, *measures); }};
}

Task LabelSurfaceDistances(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan predicted = arguments.Labels("predicted"), labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  RequireLength("predicted", Size(predicted), grid.Count());
  RequireLength("labels", Size(labels), grid.Count());
  const SurfaceRegions regions =
      ReadRegions(arguments, arguments.Integer("classes"), OptionalInteger(arguments, "ignore"));
  SurfaceOptions options = ReadSurface(arguments, grid);
  if (regions.tolerances.empty()) options.tolerance = arguments.Number("tolerance", options.tolerance);
  const auto count = static_cast<uint32_t>(regions.sets.size());
  const auto measures =
      std::make_shared<std::vector<SurfaceMeasures>>(static_cast<size_t>(CheckedProduct(grid.batch, count)));
  return {[=] {
            PIXELCAL_ON(on_cuda, LabelSurfaceDistances(predicted, labels, grid, regions, options, *measures));
          },
          [=](Napi::Env env) -> Napi::Value {
            auto images = Napi::Array::New(env, static_cast<size_t>(grid.batch));
            for (uint32_t image = 0; image < images.Length(); ++image)
              images.Set(image, MeasuresValue(env, {measures->data() + size_t{image} * count, count}));
            return images;
          }};
}

constexpr Entry kEntries[] = {{"surfaceDistances", SurfaceDistances},
                              {"labelSurfaceDistances", LabelSurfaceDistances}};

}  // namespace

std::span<const Entry> SurfaceDistanceBindings() { return kEntries; }

}  // namespace pixelcal
