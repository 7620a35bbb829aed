#include "calibrators/local_scales.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cases.h"
#include "check.h"
#include "isa.h"

namespace pixelcal::test {
namespace {

constexpr int64_t kClasses = 3;

struct Image {
  Grid grid;
  std::vector<float> logits;
  LogitImage View() const { return {logits, grid, kClasses}; }
};

Image MakeImage(std::vector<int64_t> size) {
  Image image{MakeGrid(1, size), {}};
  Noise noise(5);
  for (int64_t i = 0; i < kClasses * image.grid.Pixels(); ++i)
    image.logits.push_back(static_cast<float>(6 * noise.Uniform() - 3));
  return image;
}

// Returns what a filter sees at a pixel, by one loop over all taps and classes.
std::vector<double> Seen(const Image& image, const FilterTaps& taps, int64_t pixel) {
  const Grid& grid = image.grid;
  const int64_t pixels = grid.Pixels(), half = taps.taps / 2;
  std::vector<std::vector<double>> rows(kClasses);
  std::vector<int64_t> place(grid.rank), tap(grid.rank, -half);
  for (int axis = grid.rank - 1; axis >= 0; --axis) {
    place[axis] = pixel % grid.size[axis];
    pixel /= grid.size[axis];
  }
  for (;;) {
    int64_t at = 0;
    for (int axis = 0; axis < grid.rank; ++axis)
      at = at * grid.size[axis] +
           std::clamp<int64_t>(place[axis] + tap[axis] * taps.dilation, 0, grid.size[axis] - 1);
    double mean = 0;
    for (int64_t c = 0; c < kClasses; ++c) mean += image.logits[c * pixels + at] / double{kClasses};
    for (int64_t c = 0; c < kClasses; ++c) rows[c].push_back(image.logits[c * pixels + at] - mean);
    int axis = grid.rank - 1;
    while (axis >= 0 && ++tap[axis] > half) tap[axis--] = -half;
    if (axis < 0) break;
  }
  std::vector<double> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}

double ScaleOf(const std::vector<double>& seen, const std::vector<double>& parameters) {
  std::vector<double> f;
  for (size_t j = 0; j < 3; ++j) {
    const double* row = parameters.data() + j * (seen.size() + 1);
    double sum = row[seen.size()];
    for (size_t k = 0; k < seen.size(); ++k) sum += row[k] * seen[k];
    f.push_back(sum);
  }
  const double share = 1 / (1 + std::exp(-f[2]));
  return 1 / std::max((f[0] + 1) * share + (f[1] + 1) * (1 - share), cpu::kLeastTemperature);
}

std::vector<double> MakeParameters(int64_t inputs, double reach) {
  Noise noise(9);
  std::vector<double> parameters;
  for (int64_t i = 0; i < 3 * (inputs + 1); ++i) parameters.push_back(reach * (2 * noise.Uniform() - 1));
  return parameters;
}

TEST(LocalScalesEqualTheTwin) {
  for (const auto& [size, taps] : std::vector<std::pair<std::vector<int64_t>, FilterTaps>>{
           {{700}, {5, 2}}, {{9, 70}, {5, 2}}, {{2, 3}, {5, 2}}, {{1, 1}, {3, 4}}, {{5, 12, 11}, {3, 2}}}) {
    const Image image = MakeImage(size);
    const int64_t inputs = cpu::FilterInputs(taps, kClasses, image.grid.rank), pixels = image.grid.Pixels();
    const std::vector<double> parameters = MakeParameters(inputs, 0.3);
    std::vector<int32_t> some;
    for (int64_t i = 0; i < pixels; i += 3) some.push_back(static_cast<int32_t>(pixels - 1 - i));
    std::vector<float> whole(pixels), part(some.size()), seen(inputs * some.size());
    cpu::LocalScales(image.View(), taps, parameters, {}, whole);
    EverywhereAtAnyThreadCount([&] {
      std::vector<float> again(pixels);
      cpu::LocalScales(image.View(), taps, parameters, {}, again);
      CHECK(again == whole, "other bits");
    });
    cpu::LocalScales(image.View(), taps, parameters, some, part);
    cpu::Neighbourhoods(image.View(), taps, some, seen);
    for (int64_t i = 0; i < pixels; ++i) {
      const double expected = ScaleOf(Seen(image, taps, i), parameters);
      CHECK(std::abs(whole[i] - expected) < 1e-5 * expected, whole[i], " for ", expected, " at ", i);
    }
    for (size_t k = 0; k < some.size(); ++k) {
      CHECK(part[k] == whole[some[k]]);
      const std::vector<double> expected = Seen(image, taps, some[k]);
      for (int64_t f = 0; f < inputs; ++f)
        CHECK(std::abs(seen[f * some.size() + k] - expected[f]) < 1e-6, seen[f * some.size() + k], " for ",
              expected[f]);
    }
  }
}

TEST(LocalSumsEqualDifferencesOfTheTwin) {
  const Image image = MakeImage({30, 35});
  const FilterTaps taps{3, 1};
  const int64_t pixels = image.grid.Pixels(), inputs = cpu::FilterInputs(taps, kClasses, 2);
  const std::vector<double> parameters = MakeParameters(inputs, 0.2);
  std::vector<int32_t> at;
  std::vector<uint16_t> labels;
  std::vector<float> weights, seen(inputs * pixels);
  Noise noise(3);
  for (int64_t i = 0; i < pixels; ++i) {
    at.push_back(static_cast<int32_t>(i));
    labels.push_back(static_cast<uint16_t>(noise.Next() % kClasses));
    weights.push_back(static_cast<float>(1 + noise.Next() % 3));
  }
  cpu::Neighbourhoods(image.View(), taps, at, seen);
  const FitPixels fit{image.logits, labels, {}, {}, weights, {}, kClasses, pixels, {0, 600, 700, pixels}};
  const auto loss = [&](const std::vector<double>& moved) {
    double sum = 0;
    for (int64_t i = 0; i < pixels; ++i) {
      if (i >= 600 && i < 700) continue;
      const double scale = ScaleOf(Seen(image, taps, i), moved);
      double total = 0;
      for (int64_t c = 0; c < kClasses; ++c) total += std::exp(scale * image.logits[c * pixels + i]);
      sum += weights[i] * (std::log(total) - scale * image.logits[labels[i] * pixels + i]);
    }
    return sum;
  };
  std::vector<double> sums(2 + parameters.size());
  cpu::LocalSums(fit, seen, parameters, sums);
  EverywhereAtAnyThreadCount([&] {
    std::vector<double> again(sums.size());
    cpu::LocalSums(fit, seen, parameters, again);
    CHECK(again == sums, "other bits");
  });
  CHECK(std::abs(sums[1] - loss(parameters)) < 1e-4, sums[1], " for ", loss(parameters));
  for (size_t j = 0; j < parameters.size(); j += 5) {
    std::vector<double> up = parameters, down = parameters;
    up[j] += 1e-5;
    down[j] -= 1e-5;
    const double slope = (loss(up) - loss(down)) / 2e-5;
    CHECK(std::abs(sums[2 + j] - slope) < 1e-3 * (1 + std::abs(slope)), j, ": ", sums[2 + j], " for ", slope);
  }
}

TEST(LocalScalesRefuseWhatDoesNotFit) {
  const Image image = MakeImage({4, 5});
  std::vector<float> out(20);
  const std::vector<double> parameters(3 * (kClasses * 9 + 1));
  const std::vector<int32_t> outside{20};
  std::vector<float> one(1);
  CHECK_THROWS(cpu::LocalScales(image.View(), {4, 1}, parameters, {}, out), "taps: expected 1, 3, ... 31");
  CHECK_THROWS(cpu::LocalScales(image.View(), {5, 1}, parameters, {}, out),
               "parameters: expected 228 values");
  CHECK_THROWS(cpu::LocalScales(image.View(), {3, 1}, parameters, outside, one),
               "at: expected pixels 0 to 19");
}

}  // namespace
}  // namespace pixelcal::test
