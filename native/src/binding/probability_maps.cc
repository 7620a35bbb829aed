#include "binding/probability_maps.h"

namespace pixelcal {

std::optional<int64_t> OptionalInteger(const Arguments& arguments, const char* name) {
  return arguments.Has(name) ? std::optional<int64_t>(arguments.Integer(name)) : std::nullopt;
}

ProbabilityMaps ReadMaps(Arguments& arguments) { return ReadMaps(arguments, arguments.Integer("pixels")); }

ProbabilityMaps ReadMaps(Arguments& arguments, int64_t pixels_per_image) {
  ProbabilityMaps maps;
  maps.probs = arguments.Floats("probs");
  maps.labels = arguments.Labels("labels");
  maps.batch = arguments.Integer("batch", 1);
  maps.classes = arguments.Classes();
  maps.pixels = pixels_per_image;
  maps.ignore = OptionalInteger(arguments, "ignore");
  maps.mask = arguments.OptionalArray<uint8_t>("mask");
  maps.weights = arguments.OptionalArray<float>("weights");
  Require(maps.batch >= 1 && maps.classes >= 1 && maps.pixels >= 1, "size: expected at least 1, got ",
          maps.batch, " x ", maps.classes, " x ", maps.pixels);
  const int64_t pixels = CheckedProduct(maps.batch, maps.pixels);
  RequireLength("probs", Size(maps.probs), CheckedProduct(pixels, maps.classes));
  RequireLength("labels", Size(maps.labels), pixels);
  if (arguments.Has("mask")) RequireLength("mask", std::ssize(maps.mask), pixels);
  if (arguments.Has("weights")) RequireLength("weights", std::ssize(maps.weights), pixels);
  return maps;
}

Score ReadScore(const Arguments& arguments) {
  return arguments.Choice<Score>(
      "of",
      {{"foreground", Score::kForeground}, {"classes", Score::kClasses}, {"top-label", Score::kTopLabel}});
}

BinEdges ReadClosed(const Arguments& arguments) {
  return arguments.Choice<BinEdges>("closed",
                                    {{"right", BinEdges::kRightClosed}, {"left", BinEdges::kLeftClosed}});
}

}  // namespace pixelcal
