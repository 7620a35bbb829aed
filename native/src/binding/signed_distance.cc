#include "distance/signed_distance.h"

#include "binding/bindings.h"
#include "binding/label_options.h"

namespace pixelcal {
SignedDistanceOptions ReadSignedDistance(const Arguments& arguments, const Grid& grid) {
  SignedDistanceOptions options;
  options.classes = arguments.Classes();
  options.spacing = arguments.Spacing(grid);
  options.normalize = arguments.Choice("normalize",
                                       {{"none", Normalize::kNone},
                                        {"max", Normalize::kMax},
                                        {"split", Normalize::kSplit},
                                        {"truncate", Normalize::kTruncate}},
                                       Normalize::kMax);
  options.truncate = arguments.Number("truncate", 1);
  options.absent = arguments.Choice("absent", {{"reference", Absent::kReference}, {"far", Absent::kFar}},
                                    Absent::kReference);
  return options;
}

namespace {

Task SignedDistance(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const LabelSpan labels = arguments.Labels("labels");
  const Grid grid = arguments.ReadGrid();
  const SignedDistanceOptions options = ReadSignedDistance(arguments, grid);
  RequireLength("labels", Size(labels), grid.Count());
  const auto out = arguments.Out<float>("out", CheckedProduct(grid.Count(), options.classes));
  return {[=] { PIXELCAL_ON(on_cuda, SignedDistance(labels, grid, options, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"signedDistance", SignedDistance}};

}  // namespace

std::span<const Entry> SignedDistanceBindings() { return kEntries; }

}  // namespace pixelcal
