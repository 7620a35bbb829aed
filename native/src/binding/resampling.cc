#include <algorithm>
#include <cmath>

#include "binding/bindings.h"
#include "resampling/intensity.h"
#include "resampling/resample.h"
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

// Returns make(labels) of labels in either of the types that results have.
template <class Make>
Task WithLabels(Arguments& arguments, const Make& make) {
  const LabelSpan labels = arguments.Labels("labels");
  if (const auto* bytes = std::get_if<std::span<const uint8_t>>(&labels)) return make(*bytes);
  const auto* numbers = std::get_if<std::span<const int32_t>>(&labels);
  Require(numbers != nullptr, "labels: expected a Uint8Array or an Int32Array, got a BigInt64Array");
  return make(*numbers);
}

Task WarpLabelsTask(Arguments& arguments) {
  return WithLabels(arguments, [&](auto labels) { return WarpLabelsOf(arguments, labels); });
}

Resample ReadResample(const Arguments& arguments, const Grid& source) {
  Resample resample;
  resample.size = SizesOf(arguments, "outSize", source.rank);
  const auto taps = NumbersOf<3>(arguments, "taps", source.rank);
  // Others are refused later, by name; a cast of what no int holds would be undefined.
  for (int axis = 0; axis < source.rank; ++axis)
    resample.taps[axis] =
        taps[axis] == 1 || taps[axis] == 2 || taps[axis] == 4 ? static_cast<int>(taps[axis]) : 0;
  return resample;
}

int64_t ResultsOf(const Resample& resample, const Grid& source) {
  const auto& size = resample.size;
  return CheckedProduct(source.batch, CheckedProduct(CheckedProduct(size[0], size[1]), size[2]));
}

Task ResampleImageTask(Arguments& arguments) {
  const auto image = arguments.Array<float>("image");
  const Grid grid = arguments.ReadGrid();
  const Resample resample = ReadResample(arguments, grid);
  const int64_t results = ResultsOf(resample, grid);
  CheckResample(resample, grid, 4, std::ssize(image), results);
  const auto out = arguments.Out<float>("out", results);
  return {[=] { cpu::ResampleImage(image, grid, resample, out.span); },
          [=](Napi::Env) { return out.Value(); }};
}

template <class Label>
Task ResampleLabelsOf(Arguments& arguments, std::span<const Label> labels) {
  const Grid grid = arguments.ReadGrid();
  const Resample resample = ReadResample(arguments, grid);
  RequireLength("labels", std::ssize(labels), grid.Count());
  const int64_t results = ResultsOf(resample, grid);
  CheckResample(resample, grid, 2, std::ssize(labels), results);
  const auto out = arguments.Out<Label>("out", results);
  return {[=] { cpu::ResampleLabels<Label>(labels, grid, resample, out.span); },
          [=](Napi::Env) { return out.Value(); }};
}

Task ResampleLabelsTask(Arguments& arguments) {
  return WithLabels(arguments, [&](auto labels) { return ResampleLabelsOf(arguments, labels); });
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

constexpr Entry kEntries[] = {{"warpImage", WarpImageTask},
                              {"warpLabels", WarpLabelsTask},
                              {"resampleImage", ResampleImageTask},
                              {"resampleLabels", ResampleLabelsTask},
                              {"changeIntensity", ChangeIntensityTask}};

}  // namespace

std::span<const Entry> ResamplingBindings() { return kEntries; }

}  // namespace pixelcal
