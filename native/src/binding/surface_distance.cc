#include "surface/surface_distance.h"

#include "binding/bindings.h"

namespace pixelcal {
namespace {

SurfaceOptions ReadSurface(const Arguments& arguments, const Grid& grid) {
  SurfaceOptions options;
  options.spacing = arguments.Spacing(grid);
  options.convention = arguments.Choice("convention",
                                        {{"reference", SurfaceConvention::kReference},
                                         {"monai", SurfaceConvention::kMonai},
                                         {"deepmind", SurfaceConvention::kDeepMind}},
                                        SurfaceConvention::kReference);
  options.both_empty =
      arguments.Choice("bothEmpty", {{"undefined", BothEmpty::kUndefined}, {"perfect", BothEmpty::kPerfect}},
                       options.both_empty);
  options.one_empty = arguments.Choice(
      "oneEmpty",
      {{"worst", OneEmpty::kWorst}, {"diagonal", OneEmpty::kDiagonal}, {"undefined", OneEmpty::kUndefined}},
      options.one_empty);
  options.percentile = arguments.Number("percentile", options.percentile);
  return options;
}

Napi::Value Value(Napi::Env env, const SurfaceMeasures& m) {
  auto item = Napi::Object::New(env);
  item.Set("hd", m.hd);
  item.Set("hd95", m.hd95);
  item.Set("hdPercentile", m.hd_percentile);
  item.Set("assd", m.assd);
  item.Set("nsd", m.nsd);
  item.Set("aToB", m.a_to_b);
  item.Set("bToA", m.b_to_a);
  return item;
}

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
          [=](Napi::Env env) -> Napi::Value {
            auto list = Napi::Array::New(env, measures->size());
            for (uint32_t i = 0; i < measures->size(); ++i) list.Set(i, Value(env, (*measures)[i]));
            return list;
          }};
}

SurfaceRegions ReadRegions(const Arguments& arguments) {
  SurfaceRegions regions;
  regions.classes = arguments.Integer("classes");
  regions.sets = arguments.IntegerLists("regions");
  if (arguments.Has("ignore")) regions.ignore = arguments.Integer("ignore");
  if (arguments.IsArray("tolerance")) {
    regions.tolerances = arguments.Numbers("tolerance");
    Require(regions.tolerances.size() == regions.sets.size(), "tolerance: expected ", regions.sets.size(),
            " numbers, one per region, got ", regions.tolerances.size());
  }
  return regions;
}

Task LabelSurfaceDistances(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan predicted = arguments.Labels("predicted"), labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  RequireLength("predicted", Size(predicted), grid.Count());
  RequireLength("labels", Size(labels), grid.Count());
  const SurfaceRegions regions = ReadRegions(arguments);
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
            for (uint32_t image = 0; image < images.Length(); ++image) {
              auto list = Napi::Array::New(env, count);
              for (uint32_t i = 0; i < count; ++i)
                list.Set(i, Value(env, (*measures)[size_t{image} * count + i]));
              images.Set(image, list);
            }
            return images;
          }};
}

constexpr Entry kEntries[] = {{"surfaceDistances", SurfaceDistances},
                              {"labelSurfaceDistances", LabelSurfaceDistances}};

}  // namespace

std::span<const Entry> SurfaceDistanceBindings() { return kEntries; }

}  // namespace pixelcal
