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
  const auto wanted = [&](const char* name) {
    return arguments.Flag(name, false) ? std::optional(arguments.Out<float>("out", count)) : std::nullopt;
  };
  const auto one_hot = wanted("oneHot"), distances = wanted("signedDistance"), soft = wanted("softLabels");
  if (distances) options.signed_distance = ReadSignedDistance(arguments, grid);
  if (soft) options.soft_labels = ReadSoftLabels(arguments, grid);
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
