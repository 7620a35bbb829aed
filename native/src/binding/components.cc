#include "components/components.h"

#include "binding/bindings.h"
#include "binding/lesion_tables.h"
#include "binding/surface_options.h"
#include "components/centerline.h"

namespace pixelcal {
namespace {

Task ConnectedComponents(Arguments& arguments) {
  const auto mask = arguments.Array<uint8_t>("mask");
  const Grid grid = arguments.ReadGrid();
  RequireLength("mask", std::ssize(mask), grid.Count());
  const auto connectivity = static_cast<int>(arguments.Integer("connectivity"));
  const auto out = arguments.Out<int32_t>("out", grid.Count());
  const auto counts = arguments.New<double>(grid.batch);
  return {[=] { cpu::ConnectedComponents(mask, grid, connectivity, out.span, counts.span); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("labels", out.Value());
            result.Set("counts", counts.Value());
            return result;
          }};
}

// The arguments that both kernels of lesions have.
struct LesionMaps {
  LabelSpan predicted, labels;
  Grid grid;
  LesionOptions options;

  explicit LesionMaps(Arguments& arguments)
      : predicted(arguments.Labels("predicted")),
        labels(arguments.Labels("labels")),
        grid(arguments.ReadGrid()) {
    RequireLength("predicted", Size(predicted), grid.Count());
    RequireLength("labels", Size(labels), grid.Count());
    options.classes = arguments.Classes();
    options.regions = arguments.IntegerLists("regions");
    if (arguments.Has("ignore")) options.ignore = arguments.Integer("ignore");
    options.connectivity = static_cast<int>(arguments.Integer("connectivity"));
    options.grow = arguments.Integer("grow", 0);
    options.bins = arguments.Integer("bins", options.bins);
  }
};

Napi::Value Array(Napi::Env env, std::span<const double> values) {
  auto array = Napi::Float64Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// Six numbers a lesion: size, centroid as depth, height and width, hits, confidence.
Napi::Value Lesions(Napi::Env env, const std::vector<Lesion>& lesions) {
  std::vector<double> values;
  for (const Lesion& lesion : lesions) {
    values.push_back(static_cast<double>(lesion.size));
    values.insert(values.end(), lesion.centroid.begin(), lesion.centroid.end());
    values.push_back(static_cast<double>(lesion.hits));
    values.push_back(lesion.confidence);
  }
  return Array(env, values);
}

Napi::Value Table(Napi::Env env, const LesionTable& table) {
  auto result = Napi::Object::New(env);
  result.Set("predicted", Lesions(env, table.predicted));
  result.Set("truth", Lesions(env, table.truth));
  std::vector<double> pairs;
  for (const auto& [predicted, truth, shared] : table.pairs)
    for (const int64_t value : {int64_t{predicted}, int64_t{truth}, shared})
      pairs.push_back(static_cast<double>(value));
  result.Set("pairs", Array(env, pairs));
  result.Set("count", Array(env, table.count));
  result.Set("confidence", Array(env, table.confidence));
  result.Set("accuracy", Array(env, table.accuracy));
  result.Set("touching", Array(env, table.touching));
  const auto [predicted, predicted_shared, truth, truth_shared] = table.centerline;
  const std::array<int64_t, 4> counts{predicted, predicted_shared, truth, truth_shared};
  result.Set("centerline", Array(env, std::vector<double>(counts.begin(), counts.end())));
  return result;
}

}  // namespace

Napi::Value LesionTablesValue(Napi::Env env, const std::vector<LesionTable>& tables) {
  auto list = Napi::Array::New(env, tables.size());
  for (uint32_t i = 0; i < tables.size(); ++i) list.Set(i, Table(env, tables[i]));
  return list;
}

namespace {

Task LesionTables(Arguments& arguments) {
  LesionMaps maps(arguments);
  if (arguments.Flag("touching", false))
    maps.options.touching = TouchingSurfaces(arguments.Spacing(maps.grid));
  const FloatSpan probs = arguments.Has("probs") ? arguments.Floats("probs") : FloatSpan();
  const auto tables = std::make_shared<std::vector<LesionTable>>();
  return {[=] { *tables = cpu::FindLesions(maps.predicted, maps.labels, probs, maps.grid, maps.options); },
          [=](Napi::Env env) { return LesionTablesValue(env, *tables); }};
}

std::vector<int32_t> Members(const std::vector<int64_t>& numbers) {
  return std::vector<int32_t>(numbers.begin(), numbers.end());
}

// `groups` alternates the predicted and true lesions of each group; `lengths` has the number of groups of
// every image and region.
Task LesionSurfaces(Arguments& arguments) {
  const LesionMaps maps(arguments);
  const SurfaceOptions surfaces = ReadSurface(arguments, maps.grid);
  const auto lists = arguments.IntegerLists("groups");
  const auto lengths = arguments.Numbers("lengths");
  std::vector<std::vector<LesionGroup>> groups;
  size_t at = 0;
  for (const double length : lengths) {
    auto& of_region = groups.emplace_back();
    for (double i = 0; i < length && at + 1 < lists.size(); ++i, at += 2)
      of_region.push_back({Members(lists[at]), Members(lists[at + 1])});
  }
  Require(at == lists.size(), "groups: expected ", at, " lists, got ", lists.size());
  const auto measures = std::make_shared<std::vector<SurfaceMeasures>>();
  return {[=] {
            *measures =
                cpu::LesionSurfaces(maps.predicted, maps.labels, maps.grid, maps.options, groups, surfaces);
          },
          [=](Napi::Env env) { return MeasuresValue(env, *measures); }};
}

// Four numbers for every image and region.
Task Centerlines(Arguments& arguments) {
  const LesionMaps maps(arguments);
  const auto images = static_cast<int64_t>(maps.options.regions.size()) * maps.grid.batch;
  const auto out = arguments.New<double>(4 * images);
  return {[=] {
            double* to = out.span.data();
            for (const auto& of : cpu::Centerlines(maps.predicted, maps.labels, maps.grid, maps.options))
              for (const int64_t count : {of.predicted, of.predicted_shared, of.truth, of.truth_shared})
                *to++ = static_cast<double>(count);
          },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"connectedComponents", ConnectedComponents},
                              {"lesionTables", LesionTables},
                              {"centerlines", Centerlines},
                              {"lesionSurfaces", LesionSurfaces}};

}  // namespace

std::span<const Entry> ComponentBindings() { return kEntries; }

}  // namespace pixelcal
