#include <memory>

#include "binding/bindings.h"
#include "binding/label_options.h"
#include "binding/probability_maps.h"
#include "distance/border_levels.h"
#include "optimizer/constraint_sums.h"
#include "soft_labels/ring_targets.h"

namespace pixelcal {
namespace {

Task BorderLevelsTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  BorderLevelOptions options;
  options.distances = ReadSignedDistance(arguments, grid);
  options.form = arguments.Choice<LevelForm>("form", {{"distances", LevelForm::kDistances},
                                                      {"border", LevelForm::kBorder},
                                                      {"scaled-border", LevelForm::kScaledBorder}});
  options.ignore = OptionalInteger(arguments, "ignore");
  RequireLength("labels", Size(labels), grid.Count());
  const auto out = arguments.Out<float>("out", CheckedProduct(grid.Count(), options.distances.classes));
  const SignedDistanceFunction distances = PIXELCAL_ON(on_cuda, SignedDistance);
  return {[=] { cpu::BorderLevels(labels, grid, options, out.span, distances); },
          [=](Napi::Env) { return out.Value(); }};
}

Task BorderDistancesTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  const int64_t classes = arguments.Classes();
  const auto ignore = OptionalInteger(arguments, "ignore");
  RequireLength("labels", Size(labels), grid.Count());
  const auto out = arguments.Out<float>("out", CheckedProduct(grid.Count(), classes));
  const DistanceFunction distances = PIXELCAL_ON(on_cuda, DistanceTransform);
  return {[=] { cpu::BorderDistances(labels, grid, classes, ignore, out.span, distances); },
          [=](Napi::Env) { return out.Value(); }};
}

Task RingTargetsTask(Arguments& arguments) {
  const LabelSpan labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  const RingTargetOptions options{arguments.Classes(), arguments.Number("inner"), arguments.Number("outer"),
                                  OptionalInteger(arguments, "ignore")};
  RequireLength("labels", Size(labels), grid.Count());
  const auto out = arguments.Out<float>("out", CheckedProduct(grid.Count(), options.classes));
  return {[=] { cpu::RingTargets(labels, grid, options, out.span); }, [=](Napi::Env) { return out.Value(); }};
}

Task MixedPixelsTask(Arguments& arguments) {
  const auto soft = arguments.Array<float>("soft");
  const Grid grid = arguments.ReadGrid();
  const int64_t classes = arguments.Classes();
  const double limit = arguments.Number("limit");
  RequireLength("soft", std::ssize(soft), CheckedProduct(grid.Count(), classes));
  const auto out = arguments.Out<float>("out", grid.Count());
  return {[=] { cpu::MixedPixels(soft, grid.batch, classes, limit, out.span); },
          [=](Napi::Env) { return out.Value(); }};
}

Napi::Array ToArray(Napi::Env env, const std::vector<double>& numbers) {
  auto array = Napi::Array::New(env, numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) array.Set(static_cast<uint32_t>(i), numbers[i]);
  return array;
}

Task ConstraintSumsTask(Arguments& arguments) {
  Constraints from;
  from.logits = arguments.Array<float>("logits");
  from.labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  from.batch = grid.batch;
  from.pixels = grid.Pixels();
  from.classes = arguments.Classes();
  from.ignore = OptionalInteger(arguments, "ignore");
  from.margin = arguments.Number("margin");
  from.targets = arguments.OptionalArray<float>("targets");
  from.near = arguments.OptionalArray<float>("near");
  from.multipliers = arguments.Numbers("multipliers");
  from.parameters = arguments.Numbers("parameters");
  const auto sums = std::make_shared<ConstraintSums>();
  return {[=] { *sums = cpu::SumConstraints(from); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("pushed", ToArray(env, sums->pushed));
            result.Set("constraints", ToArray(env, sums->constraints));
            result.Set("seen", ToArray(env, sums->seen));
            result.Set("count", static_cast<double>(sums->count));
            return result;
          }};
}

constexpr Entry kEntries[] = {{"borderLevels", BorderLevelsTask},
                              {"borderDistances", BorderDistancesTask},
                              {"ringTargets", RingTargetsTask},
                              {"mixedPixels", MixedPixelsTask},
                              {"constraintSums", ConstraintSumsTask}};

}  // namespace

std::span<const Entry> LossTargetBindings() { return kEntries; }

}  // namespace pixelcal
