#include "binding/surface_options.h"

namespace pixelcal {
namespace {

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

}  // namespace

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

Napi::Value MeasuresValue(Napi::Env env, std::span<const SurfaceMeasures> measures) {
  auto list = Napi::Array::New(env, measures.size());
  for (uint32_t i = 0; i < measures.size(); ++i) list.Set(i, Value(env, measures[i]));
  return list;
}

SurfaceRegions ReadRegions(const Arguments& arguments, int64_t classes, std::optional<int64_t> ignore) {
  SurfaceRegions regions;
  regions.classes = classes;
  regions.ignore = ignore;
  regions.sets = arguments.IntegerLists("regions");
  if (arguments.IsArray("tolerance")) {
    regions.tolerances = arguments.Numbers("tolerance");
    Require(regions.tolerances.size() == regions.sets.size(), "tolerance: expected ", regions.sets.size(),
            " numbers, one per region, got ", regions.tolerances.size());
  }
  return regions;
}

}  // namespace pixelcal
