// Neighbourhoods are gathered for a block of pixels, one row an input, so that filters and their gradients
// are loops over pixels that lie side by side.
#include "calibrators/local_scales.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/scratch.h"
#include "calibrators/softmax_loops.h"

namespace pixelcal::cpu {
namespace {

using Row = std::array<double, kFitBlock>;
constexpr int64_t kFilters = 3, kLanes = 8;

int64_t TapsOf(const FilterTaps& taps, int rank) {
  Require(taps.taps >= 1 && taps.taps <= 31 && taps.taps % 2 == 1, "taps: expected 1, 3, ... 31, got ",
          taps.taps);
  Require(taps.dilation >= 1 && taps.dilation <= 1024, "dilation: expected 1 to 1024, got ", taps.dilation);
  int64_t count = 1;
  for (int axis = 0; axis < rank; ++axis) count *= taps.taps;
  return count;
}

void CheckImage(const LogitImage& image, std::span<const int32_t> at) {
  const int64_t pixels = image.grid.Pixels();
  Require(image.classes >= 1 && image.classes <= kMaxFitClasses, "classes: expected 1 to ", kMaxFitClasses,
          ", got ", image.classes);
  Require(image.grid.batch == 1, "batch: expected 1, got ", image.grid.batch);
  Require(std::ssize(image.logits) == CheckedProduct(image.classes, pixels), "logits: expected ",
          image.classes * pixels, " values, got ", image.logits.size());
  Require(std::ranges::all_of(at, [&](int32_t i) { return i >= 0 && i < pixels; }),
          "at: expected pixels 0 to ", pixels - 1);
}

// Gathers the neighbourhoods of `count` pixels; input f of pixel i goes to out[f * row + i]. `pixel(i)` names
// the pixels.
template <class Pixel>
void Gather(const LogitImage& image, const FilterTaps& taps, int64_t count, const Pixel& pixel, float* out,
            int64_t row) {
  const int rank = image.grid.rank;
  const int64_t tap_count = TapsOf(taps, rank), pixels = image.grid.Pixels(), half = taps.taps / 2;
  std::array<std::array<int32_t, kFitBlock>, 3> place;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = pixel(i);
    for (int axis = rank - 1; axis >= 0; --axis) {
      place[axis][i] = static_cast<int32_t>(rest % image.grid.size[axis]);
      rest /= image.grid.size[axis];
    }
  }
  std::array<int64_t, kFitBlock> seen;
  for (int64_t tap = 0; tap < tap_count; ++tap) {
    std::fill_n(seen.begin(), count, 0);
    int64_t rest = tap, stride = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      const int64_t offset = (rest % taps.taps - half) * taps.dilation, last = image.grid.size[axis] - 1;
      for (int64_t i = 0; i < count; ++i)
        seen[i] += std::clamp<int64_t>(place[axis][i] + offset, 0, last) * stride;
      rest /= taps.taps;
      stride *= last + 1;
    }
    Row mean{};
    for (int64_t c = 0; c < image.classes; ++c)
      for (int64_t i = 0; i < count; ++i) mean[i] += image.logits[c * pixels + seen[i]];
    for (int64_t c = 0; c < image.classes; ++c) {
      float* to = out + (c * tap_count + tap) * row;
      for (int64_t i = 0; i < count; ++i)
        to[i] = static_cast<float>(image.logits[c * pixels + seen[i]] -
                                   mean[i] / static_cast<double>(image.classes));
    }
  }
}

// The filters' outputs for one run of pixels, and 1 / T.
struct Filtered {
  std::array<Row, kFilters> f;
  Row scale, share, temperature;

  Filtered(const float* inputs, int64_t row, int64_t count, int64_t input_count,
           std::span<const double> parameters) {
    for (int64_t j = 0; j < kFilters; ++j) f[j].fill(parameters[(j + 1) * (input_count + 1) - 1]);
    for (int64_t k = 0; k < input_count; ++k) {
      const float* x = inputs + k * row;
      const double w0 = parameters[k], w1 = parameters[input_count + 1 + k],
                   w2 = parameters[2 * (input_count + 1) + k];
      for (int64_t i = 0; i < count; ++i) {
        const double value = x[i];
        f[0][i] += w0 * value;
        f[1][i] += w1 * value;
        f[2][i] += w2 * value;
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      share[i] = 1 / (1 + std::exp(-f[2][i]));
      temperature[i] = 1 + f[0][i] * share[i] + f[1][i] * (1 - share[i]);
      scale[i] = 1 / std::max(temperature[i], kLeastTemperature);
    }
  }
};

void CheckParameters(std::span<const double> parameters, int64_t inputs) {
  Require(inputs >= 1 && inputs <= kMaxFilterInputs, "filters: expected 1 to ", kMaxFilterInputs,
          " inputs, got ", inputs);
  Require(std::ssize(parameters) == kFilters * (inputs + 1), "parameters: expected ", kFilters * (inputs + 1),
          " values, got ", parameters.size());
}

// Returns the sum of a[i] x[i] in an order that vector units can keep.
double Dot(const double* a, const float* x, int64_t count) {
  std::array<double, kLanes> sums{};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * x[i + lane];
  for (; i < count; ++i) sums[0] += a[i] * x[i];
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

int64_t FilterInputs(const FilterTaps& taps, int64_t classes, int rank) {
  return CheckedProduct(classes, TapsOf(taps, rank));
}

void Neighbourhoods(const LogitImage& image, const FilterTaps& taps, std::span<const int32_t> at,
                    std::span<float> out) {
  CheckImage(image, at);
  const auto count = std::ssize(at);
  const int64_t inputs = FilterInputs(taps, image.classes, image.grid.rank);
  Require(std::ssize(out) == CheckedProduct(inputs, count), "out: expected ", inputs * count, " values, got ",
          out.size());
  ParallelFor((count + kFitBlock - 1) / kFitBlock, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t start = item * kFitBlock, length = std::min(kFitBlock, count - start);
      Gather(
          image, taps, length, [&](int64_t i) { return at[start + i]; }, out.data() + start, count);
    }
  });
}

void LocalScales(const LogitImage& image, const FilterTaps& taps, std::span<const double> parameters,
                 std::span<const int32_t> at, std::span<float> out) {
  CheckImage(image, at);
  const int64_t inputs = FilterInputs(taps, image.classes, image.grid.rank);
  CheckParameters(parameters, inputs);
  const int64_t count = at.empty() ? image.grid.Pixels() : std::ssize(at);
  Require(std::ssize(out) == count, "out: expected ", count, " values, got ", out.size());
  ParallelFor((count + kFitBlock - 1) / kFitBlock, 1, [&](int64_t begin, int64_t end) {
    float* block = Scratch<float, struct LocalInputs>(static_cast<size_t>(inputs * kFitBlock));
    for (int64_t item = begin; item < end; ++item) {
      const int64_t start = item * kFitBlock, length = std::min(kFitBlock, count - start);
      const auto pixel = [&](int64_t i) -> int64_t { return at.empty() ? start + i : at[start + i]; };
      Gather(image, taps, length, pixel, block, kFitBlock);
      const Filtered filtered(block, kFitBlock, length, inputs, parameters);
      for (int64_t i = 0; i < length; ++i) out[start + i] = static_cast<float>(filtered.scale[i]);
    }
  });
}

void LocalSums(const FitPixels& pixels, std::span<const float> neighbourhoods,
               std::span<const double> parameters, std::span<double> sums) {
  CheckFitPixels(pixels);
  const int64_t inputs = std::ssize(neighbourhoods) / std::max<int64_t>(1, pixels.pixels);
  CheckParameters(parameters, inputs);
  Require(std::ssize(neighbourhoods) == inputs * pixels.pixels, "neighbourhoods: expected ",
          inputs * pixels.pixels, " values, got ", neighbourhoods.size());
  Require(sums.size() == 2 + parameters.size(), "sums: expected ", 2 + parameters.size(), " values, got ",
          sums.size());
  const CellSums zero{std::vector<double>(sums.size())};
  const auto all = SumRuns(pixels, zero, false, [&](const FitRun& run, CellSums& chunk) {
    const float* x = neighbourhoods.data() + run.start;
    const Filtered filtered(x, pixels.pixels, run.count, inputs, parameters);
    Row loss, slope, curvature;
    SoftmaxLoops().scaled_loss(pixels.logits.data() + run.start, pixels.pixels, pixels.classes,
                               filtered.scale.data(), pixels.labels.data() + run.start, run.count,
                               loss.data(), slope.data(), curvature.data());
    std::array<Row, kFilters> by;
    for (int64_t i = 0; i < run.count; ++i) {
      const double weight = pixels.Weight(run.start + i), a = filtered.scale[i], g = filtered.share[i];
      chunk.values[0] += weight;
      chunk.values[1] += weight * loss[i];
      const double by_temperature =
          filtered.temperature[i] > kLeastTemperature ? -weight * slope[i] * a * a : 0;
      by[0][i] = by_temperature * g;
      by[1][i] = by_temperature * (1 - g);
      by[2][i] = by_temperature * (filtered.f[0][i] - filtered.f[1][i]) * g * (1 - g);
    }
    for (int64_t j = 0; j < kFilters; ++j) {
      double* to = chunk.values.data() + 2 + j * (inputs + 1);
      for (int64_t k = 0; k < inputs; ++k) to[k] += Dot(by[j].data(), x + k * pixels.pixels, run.count);
      for (int64_t i = 0; i < run.count; ++i) to[inputs] += by[j][i];
    }
  });
  std::ranges::copy(all[0].values, sums.begin());
}

}  // namespace pixelcal::cpu
