#include "soft_labels/label_targets.h"

#include <optional>

#include "binding/bindings.h"
#include "binding/label_options.h"

namespace pixelcal {
namespace {

Task TargetsTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  LabelTargetOptions options;
  options.signed_distance.classes = options.soft_labels.classes = arguments.Classes();
  RequireLength("labels", Size(labels), grid.Count());
  const int64_t count = CheckedProduct(grid.Count(), options.signed_distance.classes);
  Require(!arguments.Has("out"), "out: not supported here, every target is an array of its own");
  const bool one_hot_wanted = arguments.Flag("oneHot", false);
  const bool distances_wanted = arguments.Flag("signedDistance", false);
  const bool soft_wanted = arguments.Flag("softLabels", false);
  // All options are read first, so that nothing is allocated for a call that is refused.
  if (distances_wanted) options.signed_distance = ReadSignedDistance(arguments, grid);
  if (soft_wanted) options.soft_labels = ReadSoftLabels(arguments, grid);
  const auto target = [&](bool wanted) {
    return wanted ? std::optional(arguments.Out<float>("out", count)) : std::nullopt;
  };
  const auto one_hot = target(one_hot_wanted), distances = target(distances_wanted),
             soft = target(soft_wanted);
  const auto span = [](const auto& out) { return out ? out->span : std::span<float>(); };
  const LabelTargets out{span(one_hot), span(distances), span(soft)};
  return {[=] { PIXELCAL_ON(on_cuda, Targets(labels, grid, options, out)); },
          [=](Napi::Env env) {
            auto targets = Napi::Object::New(env);
            if (one_hot) targets.Set("oneHot", one_hot->Value());
            if (distances) targets.Set("signedDistance", distances->Value());
            if (soft) targets.Set("softLabels", soft->Value());
            return targets;
          }};
}

constexpr Entry kEntries[] = {{"targets", TargetsTask}};

}  // namespace

std::span<const Entry> LabelTargetBindings() { return kEntries; }

}  // namespace pixelcal
