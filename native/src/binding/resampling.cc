#include <algorithm>
#include <cmath>

#include "binding/bindings.h"
#include "resampling/intensity.h"
#include "resampling/warp.h"

namespace pixelcal {
namespace {

std::array<int64_t, 3> SizesOf(const Arguments& arguments, const char* name, int rank) {
  const std::vector<double> numbers = arguments.Numbers(name);
  Require(std::ssize(numbers) == rank, name, ": expected ", rank, " sizes, got ", numbers.size());
  std::array<int64_t, 3> sizes{1, 1, 1};
  for (int axis = 0; axis < rank; ++axis) {
    const double size = numbers[static_cast<size_t>(axis)];
    Require(size >= 1 && size <= 65536 && size == std::floor(size), name,
            ": expected sizes from 1 to 65536, got ", size);
    sizes[axis] = static_cast<int64_t>(size);
  }
  return sizes;
}

template <size_t kCount>
std::array<double, kCount> NumbersOf(const Arguments& arguments, const char* name, int count) {
  const std::vector<double> numbers = arguments.Numbers(name);
  Require(std::ssize(numbers) == count, name, ": expected ", count, " numbers, got ", numbers.size());
  std::array<double, kCount> all{};
  std::copy(numbers.begin(), numbers.end(), all.begin());
  return all;
}

Warp ReadWarp(Arguments& arguments, const Grid& source) {
  Warp warp;
  warp.size = SizesOf(arguments, "outSize", source.rank);
  CheckedProduct(CheckedProduct(warp.size[0], warp.size[1]), warp.size[2]);
  warp.matrix = NumbersOf<9>(arguments, "matrix", source.rank * source.rank);
  warp.offset = NumbersOf<3>(arguments, "offset", source.rank);
  if (!arguments.Has("control")) return warp;
  warp.control = arguments.Array<double>("control");
  warp.control_size = SizesOf(arguments, "controlSize", source.rank);
  return warp;
}

int64_t ResultsOf(const Warp& warp, const Grid& source) {
  return CheckedProduct(source.batch, warp.size[0] * warp.size[1] * warp.size[2]);
}

Task WarpImageTask(Arguments& arguments) {
  const auto image = arguments.Array<float>("image");
  const Grid grid = arguments.ReadGrid();
  const auto interpolation = arguments.Choice<Interpolation>(
      "interpolation", {{"nearest", Interpolation::kNearest}, {"linear", Interpolation::kLinear}});
  const Warp warp = ReadWarp(arguments, grid);
  CheckWarp(warp, grid, std::ssize(image), ResultsOf(warp, grid));
  const auto out = arguments.Out<float>("out", ResultsOf(warp, grid));
  return {[=] { cpu::WarpImage(image, grid, warp, interpolation, out.span); },
          [=](Napi::Env) { return out.Value(); }};
}

template <class Label>
Task WarpLabelsOf(Arguments& arguments, std::span<const Label> labels) {
  const Grid grid = arguments.ReadGrid();
  const Warp warp = ReadWarp(arguments, grid);
  RequireLength("labels", std::ssize(labels), grid.Count());
  CheckWarp(warp, grid, std::ssize(labels), ResultsOf(warp, grid));
  const auto out = arguments.Out<Label>("out", ResultsOf(warp, grid));
  return {[=] { cpu::WarpLabels<Label>(labels, grid, warp, out.span); },
          [=](Napi::Env) { return out.Value(); }};
}

Task WarpLabelsTask(Arguments& arguments) {
  const LabelSpan labels = arguments.Labels("labels");
  if (const auto* bytes = std::get_if<std::span<const uint8_t>>(&labels))
    return WarpLabelsOf(arguments, *bytes);
  const auto* numbers = std::get_if<std::span<const int32_t>>(&labels);
  Require(numbers != nullptr, "labels: expected a Uint8Array or an Int32Array, got a BigInt64Array");
  return WarpLabelsOf(arguments, *numbers);
}

Task ChangeIntensityTask(Arguments& arguments) {
  const auto image = arguments.Array<float>("image");
  const Grid grid = arguments.ReadGrid();
  const auto change =
      arguments.Choice<IntensityChange>("change", {{"brightness", IntensityChange::kBrightness},
                                                   {"contrast", IntensityChange::kContrast},
                                                   {"gamma", IntensityChange::kGamma},
                                                   {"inverted-gamma", IntensityChange::kInvertedGamma},
                                                   {"noise", IntensityChange::kNoise},
                                                   {"blur", IntensityChange::kBlur}});
  const std::vector<double> amounts = arguments.Numbers("amounts");
  const auto seed = static_cast<uint64_t>(arguments.Integer("seed", 0));
  CheckIntensity(grid, change, amounts, std::ssize(image), grid.Count());
  const auto out = arguments.Out<float>("out", grid.Count());
  return {[=] { cpu::ChangeIntensity(image, grid, change, amounts, seed, out.span); },
          [=](Napi::Env) { return out.Value(); }};
}

constexpr Entry kEntries[] = {
    {"warpImage", WarpImageTask}, {"warpLabels", WarpLabelsTask}, {"changeIntensity", ChangeIntensityTask}};

}  // namespace

std::span<const Entry> ResamplingBindings() { return kEntries; }

}  // namespace pixelcal
