#include "kernels/surface_distance.h"

#include "binding/bindings.h"

namespace pixelcal {
namespace {

Task SurfaceDistances(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto a = arguments.Array<uint8_t>("a");
  const auto b = arguments.Array<uint8_t>("b");
  const Grid grid = arguments.ReadGrid();
  RequireLength("a", std::ssize(a), grid.Count());
  RequireLength("b", std::ssize(b), grid.Count());
  SurfaceOptions options;
  options.spacing = arguments.Spacing(grid);
  options.convention = arguments.Choice("convention",
                                        {{"reference", SurfaceConvention::kReference},
                                         {"monai", SurfaceConvention::kMonai},
                                         {"deepmind", SurfaceConvention::kDeepMind}},
                                        SurfaceConvention::kReference);
  options.empty = arguments.Choice(
      "empty",
      {{"nan", EmptyMask::kNan}, {"reference", EmptyMask::kReference}, {"diagonal", EmptyMask::kDiagonal}},
      EmptyMask::kNan);
  options.tolerance = arguments.Number("tolerance", 1);
  const auto measures = std::make_shared<std::vector<SurfaceMeasures>>(static_cast<size_t>(grid.batch));
  return {[=] { PIXELCAL_ON(on_cuda, SurfaceDistances(a, b, grid, options, *measures)); },
          [=](Napi::Env env) -> Napi::Value {
            auto list = Napi::Array::New(env, measures->size());
            for (uint32_t i = 0; i < measures->size(); ++i) {
              const SurfaceMeasures& m = (*measures)[i];
              auto item = Napi::Object::New(env);
              item.Set("hd", m.hd);
              item.Set("hd95", m.hd95);
              item.Set("assd", m.assd);
              item.Set("nsd", m.nsd);
              item.Set("aToB", m.a_to_b);
              item.Set("bToA", m.b_to_a);
              list.Set(i, item);
            }
            return list;
          }};
}

constexpr Entry kEntries[] = {{"surfaceDistances", SurfaceDistances}};

}  // namespace

std::span<const Entry> SurfaceDistanceBindings() { return kEntries; }

}  // namespace pixelcal
