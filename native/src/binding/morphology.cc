#include "morphology/morphology.h"

#include "binding/bindings.h"
#include "binding/morphology_options.h"
#include "morphology/packed_mask.h"

namespace pixelcal {

MorphologyOptions ReadMorphology(const Arguments& arguments) {
  MorphologyOptions options;
  options.op = arguments.Choice<MorphologyOp>("op", {{"erosion", MorphologyOp::kErosion},
                                                     {"dilation", MorphologyOp::kDilation},
                                                     {"opening", MorphologyOp::kOpening},
                                                     {"closing", MorphologyOp::kClosing},
                                                     {"gradient", MorphologyOp::kGradient},
                                                     {"internal-gradient", MorphologyOp::kInternalGradient},
                                                     {"external-gradient", MorphologyOp::kExternalGradient}});
  options.structure = arguments.Choice("structure", {{"box", Structure::kBox}, {"cross", Structure::kCross}},
                                       Structure::kBox);
  options.radius = arguments.Integer("radius", 1);
  options.iterations = arguments.Integer("iterations", 1);
  // Replicated and reflected borders give the neutral result (morphology/morphology.h).
  options.border = arguments.Choice("border",
                                    {{"neutral", MorphologyBorder::kNeutral},
                                     {"zero", MorphologyBorder::kZero},
                                     {"one", MorphologyBorder::kOne},
                                     {"replicate", MorphologyBorder::kNeutral},
                                     {"reflect101", MorphologyBorder::kNeutral}},
                                    MorphologyBorder::kNeutral);
  return options;
}

namespace {

Task MorphologyTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto mask = arguments.Array<uint8_t>("mask");
  const Grid grid = arguments.ReadGrid();
  const MorphologyOptions options = ReadMorphology(arguments);
  RequireLength("mask", std::ssize(mask), grid.Count());
  const auto out = arguments.Out<uint8_t>("out", grid.Count());
  return {[=] { PIXELCAL_ON(on_cuda, Morphology(mask, grid, options, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

Task PackedMorphologyTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto words = arguments.Array<uint64_t>("words");
  const Grid grid = arguments.ReadGrid();
  const MorphologyOptions options = ReadMorphology(arguments);
  RequireLength("words", std::ssize(words), PackedWords(grid));
  const auto out = arguments.Out<uint64_t>("out", PackedWords(grid));
  return {[=] { PIXELCAL_ON(on_cuda, PackedMorphology(words, grid, options, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

Task PackMaskTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto mask = arguments.Array<uint8_t>("mask");
  const Grid grid = arguments.ReadGrid();
  RequireLength("mask", std::ssize(mask), grid.Count());
  const auto out = arguments.Out<uint64_t>("out", PackedWords(grid));
  return {[=] { PIXELCAL_ON(on_cuda, PackMask(mask, grid, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

Task UnpackMaskTask(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const auto words = arguments.Array<uint64_t>("words");
  const Grid grid = arguments.ReadGrid();
  RequireLength("words", std::ssize(words), PackedWords(grid));
  const auto out = arguments.Out<uint8_t>("out", grid.Count());
  return {[=] { PIXELCAL_ON(on_cuda, UnpackMask(words, grid, out.span)); },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {{"morphology", MorphologyTask},
                              {"packedMorphology", PackedMorphologyTask},
                              {"packMask", PackMaskTask},
                              {"unpackMask", UnpackMaskTask}};

}  // namespace

std::span<const Entry> MorphologyBindings() { return kEntries; }

}  // namespace pixelcal
